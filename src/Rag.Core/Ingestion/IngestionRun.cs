using System.Collections.Concurrent;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>What a run has done so far. Its workers share it.</summary>
internal sealed class IngestionRun(
    IDocumentSource source,
    CollectionKey collection,
    IngestionPlan plan,
    IProgress<IngestionProgress>? progress,
    TimeProvider timeProvider
)
{
    private readonly long _start = timeProvider.GetTimestamp();
    private readonly ConcurrentQueue<DocumentError> _errors = new();
    private readonly ConcurrentQueue<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> _seen = new();
    private readonly List<LedgerEntry> _possiblyMoved = [.. plan.PossiblyMoved];
    private int _added;
    private int _changed;
    private int _moved;
    private int _unchanged = plan.Unchanged;
    private int _deleted;
    private int _held;
    private int _skipped;
    private int _chunks;
    private int _embedded;
    private int _done;
    private long _bytes;

    public IDocumentSource Source => source;

    public CollectionKey Collection => collection;

    public IngestionPlan Plan => plan;

    public DateTimeOffset StartedAt { get; } = timeProvider.GetUtcNow();

    public int Deleted => _deleted;

    public IReadOnlyCollection<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> SeenDocuments =>
        _seen;

    /// <summary>What is gone and has not turned up elsewhere.</summary>
    public IReadOnlyList<LedgerEntry> NotMoved => _possiblyMoved;

    public void AddBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void AddError(DocumentError error) => _errors.Enqueue(error);

    public void Seen(string documentId, SourceDocument document, DateTimeOffset seenAt) =>
        _seen.Enqueue((documentId, document, seenAt));

    public void CountUnchanged() => Interlocked.Increment(ref _unchanged);

    public void CountMoved() => Interlocked.Increment(ref _moved);

    public void CountSkipped() => Interlocked.Increment(ref _skipped);

    public void CountDeleted(int count) => _deleted += count;

    public void CountHeld(int count) => _held += count;

    /// <returns>How many documents this run has published, this one included.</returns>
    public int CountPublished(bool isNew, int chunks, int embedded)
    {
        Interlocked.Add(ref _chunks, chunks);
        Interlocked.Add(ref _embedded, embedded);
        return isNew
            ? Interlocked.Increment(ref _added) + Volatile.Read(ref _changed)
            : Interlocked.Increment(ref _changed) + Volatile.Read(ref _added);
    }

    /// <summary>Takes a vanished document with this content, if there is one; each is taken once.</summary>
    public LedgerEntry? TakeMoved(string contentHash, string pipelineFingerprint)
    {
        lock (_possiblyMoved)
        {
            var i = _possiblyMoved.FindIndex(entry =>
                entry.State == DocumentState.Published
                && entry.ContentHash == contentHash
                && entry.PipelineFingerprint == pipelineFingerprint
            );
            if (i < 0)
            {
                return null;
            }

            var entry = _possiblyMoved[i];
            _possiblyMoved.RemoveAt(i);
            return entry;
        }
    }

    public void Done(string name) =>
        progress?.Report(new IngestionProgress(Interlocked.Increment(ref _done), plan.Work.Count, name));

    public IngestionReport Report() =>
        new()
        {
            Source = source.Name,
            Added = _added,
            Changed = _changed,
            Moved = _moved,
            Unchanged = _unchanged,
            Deleted = _deleted,
            HeldDeletes = _held,
            Skipped = _skipped,
            Resting = plan.Resting,
            Chunks = _chunks,
            Embedded = _embedded,
            Bytes = _bytes,
            Errors = [.. _errors],
            Gaps = [.. plan.Gaps.Select(gap => gap.Prefix.Length == 0 ? gap.Reason : $"{gap.Prefix}: {gap.Reason}")],
            Duration = timeProvider.GetElapsedTime(_start),
        };
}
