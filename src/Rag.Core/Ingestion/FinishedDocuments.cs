using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>A document that a worker is done with.</summary>
/// <param name="Attempt">What is known of it.</param>
/// <param name="Publication">What is to be published; null when the content is what it was.</param>
/// <param name="Embedded">Chunks that had to be embedded.</param>
internal sealed record FinishedDocument(Attempt Attempt, DocumentPublication? Publication, int Embedded)
{
    public DocumentClaim Claim => Attempt.Claim;
}

/// <summary>
/// Gathers what the workers of a run have finished and writes it in batches: a transaction costs more than a small document. A full batch
/// is written by whoever filled it, so the workers never run far ahead of the database.
/// </summary>
/// <param name="write">Writes a batch.</param>
internal sealed class FinishedDocuments(Func<IReadOnlyList<FinishedDocument>, CancellationToken, Task> write)
{
    /// <summary>Documents in one transaction; their rows stay locked until all are written.</summary>
    private const int Batch = 128;

    /// <summary>UTF-16 code units of text in one batch: bounds the memory of a run.</summary>
    public const long BatchText = 4 * 1024 * 1024;

    private readonly Lock _lock = new();
    private List<FinishedDocument> _documents = [];
    private long _text;

    public async ValueTask AddAsync(FinishedDocument document, CancellationToken cancellationToken)
    {
        List<FinishedDocument> full;
        lock (_lock)
        {
            _documents.Add(document);
            _text += document.Publication?.Chunks.Sum(chunk => (long)chunk.Text.Length) ?? 0;
            if (_documents.Count < Batch && _text < BatchText)
            {
                return;
            }

            full = Take();
        }

        await write(full, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the rest.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        List<FinishedDocument> rest;
        lock (_lock)
        {
            rest = Take();
        }

        if (rest.Count > 0)
        {
            await write(rest, cancellationToken).ConfigureAwait(false);
        }
    }

    private List<FinishedDocument> Take()
    {
        var taken = _documents;
        (_documents, _text) = ([], 0);
        return taken;
    }
}
