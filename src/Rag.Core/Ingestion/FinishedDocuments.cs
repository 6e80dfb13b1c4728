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
/// Gathers what the workers of a run have finished and writes it in batches: a transaction costs more than a small document. One batch is
/// written while the next one fills; whoever fills that one too waits, so the workers never run far ahead of the database.
/// </summary>
/// <param name="write">Writes a batch.</param>
/// <param name="sideBySide">Whether anything may go on meanwhile; else whoever has filled a batch waits for it.</param>
internal sealed class FinishedDocuments(Func<IReadOnlyList<FinishedDocument>, Task> write, bool sideBySide)
    : IDisposable
{
    /// <summary>Documents in one transaction; their rows stay locked until all are written.</summary>
    private const int Batch = 128;

    /// <summary>UTF-16 code units of text in one batch: bounds the memory of a run.</summary>
    public const long BatchText = 4 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private List<FinishedDocument> _documents = [];
    private Task _writing = Task.CompletedTask;
    private long _text;

    /// <exception cref="Exception">What the batch before ended with.</exception>
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

        await WriteAsync(full, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the rest and waits until all is written.</summary>
    /// <exception cref="Exception">What a batch ended with.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        List<FinishedDocument> rest;
        lock (_lock)
        {
            rest = Take();
        }

        if (rest.Count > 0)
        {
            await WriteAsync(rest, cancellationToken).ConfigureAwait(false);
        }

        await _writing.ConfigureAwait(false);
    }

    /// <summary>Waits for a batch in hand whatever becomes of it: after a failure nothing goes on behind a run's back.</summary>
    public async ValueTask SettleAsync() => await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public void Dispose() => _turn.Dispose();

    private async ValueTask WriteAsync(List<FinishedDocument> batch, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _writing.ConfigureAwait(false);
            _writing = sideBySide ? Task.Run(() => write(batch), cancellationToken) : write(batch);
            if (!sideBySide)
            {
                await _writing.ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private List<FinishedDocument> Take()
    {
        var taken = _documents;
        (_documents, _text) = ([], 0);
        return taken;
    }
}
