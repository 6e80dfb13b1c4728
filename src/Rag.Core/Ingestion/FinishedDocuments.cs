using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>A document that is ready to be published.</summary>
/// <param name="Publication">All of it.</param>
/// <param name="Embedded">Chunks that had to be embedded.</param>
internal sealed record FinishedDocument(DocumentPublication Publication, int Embedded);

/// <summary>
/// Gathers what the workers of a run have finished and writes it in batches: a transaction costs more than a small document. A full batch
/// is written by whoever filled it, so the workers never run far ahead of the database.
/// </summary>
internal sealed class FinishedDocuments(
    Func<IReadOnlyList<FinishedDocument>, CancellationToken, Task> publish,
    Func<IReadOnlyList<(DocumentClaim Claim, DateTimeOffset SeenAt)>, CancellationToken, Task> noteSeen,
    HeldClaims held
)
{
    /// <summary>Documents in one transaction; their rows stay locked until all are written.</summary>
    private const int Batch = 128;

    /// <summary>UTF-16 code units of text in one batch: bounds the memory of a run.</summary>
    private const long BatchText = 4 * 1024 * 1024;

    private const int SeenAtOnce = 500;

    private readonly Lock _lock = new();
    private List<FinishedDocument> _documents = [];
    private List<(DocumentClaim, DateTimeOffset)> _seen = [];
    private long _text;

    public async ValueTask AddAsync(FinishedDocument document, CancellationToken cancellationToken)
    {
        List<FinishedDocument> full;
        lock (_lock)
        {
            _documents.Add(document);
            _text += document.Publication.Chunks.Sum(chunk => (long)chunk.Text.Length);
            if (_documents.Count < Batch && _text < BatchText)
            {
                return;
            }

            full = Take();
        }

        await WriteAsync(full, [], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A document that is as it was.</summary>
    public async ValueTask AddSeenAsync(DocumentClaim claim, DateTimeOffset seenAt, CancellationToken cancellationToken)
    {
        List<(DocumentClaim, DateTimeOffset)> full;
        lock (_lock)
        {
            _seen.Add((claim, seenAt));
            if (_seen.Count < SeenAtOnce)
            {
                return;
            }

            (full, _seen) = (_seen, []);
        }

        await WriteAsync([], full, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the rest.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        List<FinishedDocument> documents;
        List<(DocumentClaim, DateTimeOffset)> seen;
        lock (_lock)
        {
            documents = Take();
            (seen, _seen) = (_seen, []);
        }

        await WriteAsync(documents, seen, cancellationToken).ConfigureAwait(false);
    }

    private List<FinishedDocument> Take()
    {
        var taken = _documents;
        (_documents, _text) = ([], 0);
        return taken;
    }

    private async ValueTask WriteAsync(
        List<FinishedDocument> documents,
        List<(DocumentClaim Claim, DateTimeOffset)> seen,
        CancellationToken cancellationToken
    )
    {
        if (documents.Count > 0)
        {
            await publish(documents, cancellationToken).ConfigureAwait(false);
            held.Forget(documents.Select(document => document.Publication.Claim!));
        }

        if (seen.Count > 0)
        {
            await noteSeen(seen, cancellationToken).ConfigureAwait(false);
            held.Forget(seen.Select(one => one.Claim));
        }
    }
}
