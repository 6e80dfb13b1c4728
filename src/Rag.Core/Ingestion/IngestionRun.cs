using System.Collections.Concurrent;
using Slipway.Internal;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>What a run has done so far. Its workers share it.</summary>
internal sealed class IngestionRun(
    IDocumentSource source,
    CollectionKey collection,
    IProgress<IngestionProgress>? progress,
    IngestionOptions options,
    TimeProvider timeProvider
) : IDisposable
{
    private readonly long _start = timeProvider.GetTimestamp();
    private readonly ConcurrentQueue<DocumentError> _errors = new();
    private IngestionPlan? _plan;
    private int _added;
    private int _changed;
    private int _moved;
    private int _unchanged;
    private int _deleted;
    private int _skipped;
    private int _chunks;
    private int _embedded;
    private int _claimed;
    private int _done;
    private long _bytes;
    private long _tokens;

    public IDocumentSource Source => source;

    /// <summary>Parts of the work that go on side by side: some read while others wait for the model or the database.</summary>
    public int Lanes { get; } =
        options.MaxConcurrency == 1 && (options.EmbeddingConcurrency ?? 1) == 1
            ? 1 // nothing beside anything else, as asked
            : options.MaxConcurrency + (options.EmbeddingConcurrency ?? options.MaxConcurrency);

    public IngestionSpans Spans { get; } = new(source.Name, collection, timeProvider);

    public Turnstile Reading { get; } = new(options.MaxConcurrency);

    public Turnstile Embedding { get; } = new(options.EmbeddingConcurrency ?? options.MaxConcurrency);

    public CollectionKey Collection => collection;

    /// <summary>Whose the planner's lease and the claims are: this run, of this process.</summary>
    public string Owner { get; } = $"{ProcessIdentity.Current}/{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>Set when the work begins.</summary>
    public HeldClaims Held { get; set; } = null!;

    /// <summary>Set when the work begins.</summary>
    public FinishedDocuments Finished { get; set; } = null!;

    public DateTimeOffset StartedAt { get; } = timeProvider.GetUtcNow();

    public void AddBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void AddError(DocumentError error) => _errors.Enqueue(error);

    public void Begin(IngestionPlan plan)
    {
        _plan = plan;
        Interlocked.Add(ref _unchanged, plan.Unchanged);
    }

    public void Claimed(int count) => Interlocked.Add(ref _claimed, count);

    public void CountUnchanged() => Interlocked.Increment(ref _unchanged);

    public void CountMoved(int count)
    {
        _moved += count;
        Spans.Planned(count, 0);
    }

    public void CountSkipped() => Interlocked.Increment(ref _skipped);

    public void CountDeleted(int count)
    {
        _deleted += count;
        Spans.Planned(0, count);
    }

    /// <returns>How many documents this run has published, this one included.</returns>
    public int CountPublished(FinishedDocument document)
    {
        Interlocked.Add(ref _chunks, document.Publication!.Chunks.Count);
        Spans.Published(document.Publication.Chunks.Count);
        CountEmbedded(document.Embedded);
        return document.Claim.Entry.Version == 0
            ? Interlocked.Increment(ref _added) + Volatile.Read(ref _changed)
            : Interlocked.Increment(ref _changed) + Volatile.Read(ref _added);
    }

    /// <summary>A document is done, one way or another, and with it its claim.</summary>
    public void Done(Attempt attempt, string outcome, Exception? exception = null)
    {
        Held.Forget([attempt.Claim]);
        Spans.Document(attempt, outcome, exception);
        // Another process may do a part of the plan, or have made the plan.
        progress?.Report(
            new IngestionProgress(
                Interlocked.Increment(ref _done),
                Math.Max(_plan?.Work.Count ?? 0, _claimed),
                attempt.Claim.Document.Name
            )
        );
    }

    /// <summary>The setting that ends the run early, when it is reached.</summary>
    public string? Spent =>
        timeProvider.GetElapsedTime(_start) >= options.MaxRunTime ? nameof(IngestionOptions.MaxRunTime)
        : Cost >= options.MaxRunCost ? nameof(IngestionOptions.MaxRunCost)
        : null;

    /// <summary>Set by who has left work undone for that reason.</summary>
    public string? Stopped { get; set; }

    private decimal? Cost => options.EmbeddingPrice * Interlocked.Read(ref _tokens) / 1_000_000;

    public void AddTokens(long tokens) => Interlocked.Add(ref _tokens, tokens);

    public void CountEmbedded(int count)
    {
        Interlocked.Add(ref _embedded, count);
        Spans.Embedded(count);
    }

    public void Dispose()
    {
        Spans.Dispose();
        Reading.Dispose();
        Embedding.Dispose();
    }

    public IngestionReport Report() =>
        new()
        {
            Source = source.Name,
            Added = _added,
            Changed = _changed,
            Moved = _moved,
            Unchanged = _unchanged,
            Deleted = _deleted,
            HeldDeletes = _plan?.HeldDeletes ?? 0,
            Skipped = _skipped,
            Resting = _plan?.Resting ?? 0,
            Chunks = _chunks,
            Embedded = _embedded,
            EmbeddedTokens = _tokens,
            EmbeddingCost = Cost,
            Stopped = Stopped ?? (_done < (_plan?.Work.Count ?? 0) ? Spent : null),
            Bytes = _bytes,
            Errors = [.. _errors],
            Gaps =
            [
                .. (_plan?.Gaps ?? []).Select(gap =>
                    gap.Prefix.Length == 0 ? gap.Reason : $"{gap.Prefix}: {gap.Reason}"
                ),
            ],
            Duration = timeProvider.GetElapsedTime(_start),
        };
}
