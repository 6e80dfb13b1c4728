using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Slipway.Rag.Chunking;
using Slipway.Rag.Embedding;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>Brings a collection up to date with a source: only what changed is read, only what is new is embedded.</summary>
/// <remarks>
/// Safe for concurrent use, by any number of processes: one of them at a time plans a source, all of them work on its documents, and each
/// document is claimed by one of them. A process that dies or stands still loses its claims; what it brings too late is refused.
/// Everything slow happens outside of transactions; a document becomes visible whole, in one transaction.
/// </remarks>
public sealed partial class IngestionPipeline
{
    private readonly IDocumentStore _store;
    private readonly IDocumentQueue _queue;
    private readonly ILeaseStore _leases;
    private readonly ISearchIndex _index;
    private readonly ReaderSet _readers;
    private readonly IChunker _chunker;
    private readonly ChunkEmbedder _embedder;
    private readonly IngestionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<IngestionPipeline> _logger;

    /// <summary>Creates the pipeline.</summary>
    /// <param name="store">Ledger and knowledge.</param>
    /// <param name="queue">Plans and claims in the same store.</param>
    /// <param name="leases">Who plans; in the same database.</param>
    /// <param name="index">The search side of the same store.</param>
    /// <param name="readers">The formats that are read.</param>
    /// <param name="chunker">How text is cut.</param>
    /// <param name="generator">The embedding model; null searches by words alone. Not disposed.</param>
    /// <param name="options">Limits and guards.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="logger">One line a run, one a failed document.</param>
    public IngestionPipeline(
        IDocumentStore store,
        IDocumentQueue queue,
        ILeaseStore leases,
        ISearchIndex index,
        ReaderSet readers,
        IChunker chunker,
        IEmbeddingGenerator<string, Embedding<float>>? generator,
        IngestionOptions options,
        TimeProvider timeProvider,
        ILogger<IngestionPipeline> logger
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        _store = store;
        _queue = queue;
        _leases = leases;
        _index = index;
        _readers = readers;
        _chunker = chunker;
        _embedder = new ChunkEmbedder(generator, store, options);
        _options = options;
        _time = timeProvider;
        _logger = logger;
        Fingerprint = $"{readers.Fingerprint}|{chunker.Fingerprint}";
    }

    /// <summary>
    /// Readers and chunker. A document that was published by another pipeline is done again. The model is not in it: another one embeds the
    /// chunks that there are.
    /// </summary>
    public string Fingerprint { get; }

    /// <summary>Runs once over a source: plans, unless somebody else is planning it now, and works until nothing of it is due.</summary>
    /// <param name="source">The source; not disposed.</param>
    /// <param name="collection">Where its documents go.</param>
    /// <param name="progress">Told after each document; may be null.</param>
    /// <param name="cancellationToken">
    /// Stops between steps; what is published stays published, and claimed documents are given back.
    /// </param>
    /// <returns>What this process did. Documents that failed are in <see cref="IngestionReport.Errors"/>, not thrown.</returns>
    /// <exception cref="SlipwayException">
    /// The source cannot be listed, the store cannot be used, or a setting or credential is wrong: nothing that was ingested before is lost.
    /// </exception>
    public async Task<IngestionReport> RunAsync(
        IDocumentSource source,
        CollectionKey collection,
        IProgress<IngestionProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(source);
        using var run = new IngestionRun(source, collection, progress, _options, _time);

        try
        {
            await PlanAndApplyAsync(run, cancellationToken).ConfigureAwait(false);
            await WorkAsync(run, cancellationToken).ConfigureAwait(false);
            await _index.MergeAsync(collection, cancellationToken).ConfigureAwait(false);
            await CompleteEmbeddingsAsync(run, cancellationToken).ConfigureAwait(false);
            await _index.OptimizeAsync(collection, cancellationToken).ConfigureAwait(false);
            return await ReportAsync(run, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            run.Spans.Cancel();
            throw;
        }
        catch (Exception exception)
        {
            run.Spans.Fail(exception);
            throw;
        }
    }

    /// <summary>Says what a run would do now. Changes nothing.</summary>
    /// <remarks>A new document with the size of one that is gone is read, because it may be the same one at another place.</remarks>
    public async Task<IngestionPlan> PlanAsync(
        IDocumentSource source,
        CollectionKey collection,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(source);
        var planner = new IngestionPlanner(Fingerprint, _time.GetUtcNow());
        var ledger = _store.ReadLedgerAsync(collection, source.Name, cancellationToken);
        await foreach (var entry in ledger.ConfigureAwait(false))
        {
            planner.Know(entry);
        }

        // After the ledger: what is pushed meanwhile is not taken for gone.
        await foreach (var item in source.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            planner.List(item);
        }

        if (planner.IsAnythingGone)
        {
            await foreach (var entry in ledger.ConfigureAwait(false))
            {
                planner.KnowAgain(entry);
            }
        }

        return await FindMovedAsync(source, planner.Plan(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Some documents, from the source to the batch that is written next. They are read one by one and embedded together.</summary>
    private async ValueTask ProcessAsync(
        IngestionRun run,
        IReadOnlyList<DocumentClaim> claims,
        CancellationToken cancellationToken
    )
    {
        var read = new List<Attempt>();
        foreach (var (claim, at) in claims.Select((claim, at) => (claim, at)))
        {
            if (run.Spent is not null)
            {
                await run.Held.ReturnAsync([.. claims.Skip(at)]).ConfigureAwait(false);
                break;
            }

            var attempt = new Attempt(claim, _time);
            if (await ReadAndChunkAsync(run, attempt, cancellationToken).ConfigureAwait(false))
            {
                read.Add(attempt);
            }

            if (read.Sum(one => (long)one.Document.Text.Length) >= FinishedDocuments.BatchText)
            {
                await EmbedAndFinishAsync(run, read, cancellationToken).ConfigureAwait(false);
                read = [];
            }
        }

        await EmbedAndFinishAsync(run, read, cancellationToken).ConfigureAwait(false);
    }
}
