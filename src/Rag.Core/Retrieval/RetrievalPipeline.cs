using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Embedding;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval;

/// <summary>From a question to passages: embed the query, search both legs at one moment, fuse, read.</summary>
/// <remarks>Safe for concurrent use.</remarks>
/// <param name="index">The search side of the store.</param>
/// <param name="embeddings">The model that collections are embedded with; null to search by BM25 alone.</param>
/// <param name="options">How to rank; null for the defaults.</param>
/// <param name="logger">Hears of a query that could not be embedded.</param>
/// <param name="previous">
/// The model before, which answers until a collection is embedded with the new one. Without it words alone find passages meanwhile.
/// </param>
public sealed partial class RetrievalPipeline(
    ISearchIndex index,
    IEmbeddingGenerator<string, Embedding<float>>? embeddings = null,
    RetrievalOptions? options = null,
    ILogger<RetrievalPipeline>? logger = null,
    IEmbeddingGenerator<string, Embedding<float>>? previous = null
)
{
    private const int MaxCount = 1000;

    private readonly QueryModels _models = new(embeddings, previous);
    private readonly RetrievalOptions _options = options ?? new RetrievalOptions();
    private readonly ILogger _logger = logger ?? NullLogger<RetrievalPipeline>.Instance;

    /// <summary>Finds the passages that answer best.</summary>
    /// <exception cref="SlipwayException">
    /// The query could not be embedded and <see cref="RetrievalOptions.LexicalWhenEmbeddingFails"/> does not apply, or the model's vectors
    /// do not fit those of the index. There is never a search with an empty vector.
    /// </exception>
    public async ValueTask<RetrievalResult> RetrieveAsync(
        RetrievalRequest request,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Count is < 1 or > MaxCount)
        {
            throw new ArgumentOutOfRangeException(nameof(request), request.Count, $"Count may be 1 to {MaxCount}.");
        }

        if (string.IsNullOrWhiteSpace(request.Query))
        {
            return new RetrievalResult([]);
        }

        var start = Stopwatch.GetTimestamp();
        using var span = RagTelemetry.Spans.StartActivity("slipway.retrieve");
        while (true)
        {
            // Before the snapshot: a call to a model must not keep a transaction open.
            var model = _models.Expected(request.Collection);
            var (vector, note) = await EmbedAsync(model, request.Query, cancellationToken).ConfigureAwait(false);
            if (await SearchAsync(request, model, vector, note, cancellationToken).ConfigureAwait(false) is { } found)
            {
                var legs = vector is null || found.Note is not null ? "words" : "hybrid";
                span?.SetTag("slipway.legs", legs).SetTag("slipway.passages", found.Count);
                RagTelemetry.RetrievalDuration.Record(
                    Stopwatch.GetElapsedTime(start).TotalSeconds,
                    new KeyValuePair<string, object?>("slipway.collection", request.Collection.Collection),
                    new KeyValuePair<string, object?>("slipway.legs", legs)
                );
                return found;
            }
        }
    }

    /// <summary>Null when another model answers in the collection, which is then expected.</summary>
    private async ValueTask<RetrievalResult?> SearchAsync(
        RetrievalRequest request,
        QueryModel? model,
        ReadOnlyMemory<float>? vector,
        string? note,
        CancellationToken cancellationToken
    )
    {
        var snapshot = await index
            .OpenSnapshotAsync(request.Collection, request.Principal, request.Filter, cancellationToken)
            .ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            if (vector is not null && snapshot.EmbeddingModel != model!.Fingerprint)
            {
                if (_models.Answers(request.Collection, snapshot.EmbeddingModel))
                {
                    return null;
                }

                vector = null;
                note = snapshot.EmbeddingModel is null ? note : Unembedded(model.Fingerprint);
            }

            var depth = Math.Max(_options.CandidatesPerLeg, 4 * request.Count);
            var lexical = await SearchTextAsync(snapshot, request.Query, depth, cancellationToken)
                .ConfigureAwait(false);
            var nearest = vector is null
                ? []
                : await SearchVectorsAsync(snapshot, model!.Fingerprint, vector.Value, depth, cancellationToken)
                    .ConfigureAwait(false);

            var fused = Fusion.Fuse(lexical, nearest, _options);
            var passages = await ReadDistinctAsync(snapshot, fused, request.Count, cancellationToken)
                .ConfigureAwait(false);
            return new RetrievalResult(passages, note);
        }
    }

    /// <summary>Reads the best passages. The same text in several documents counts once: the best of them stands for it.</summary>
    private static async ValueTask<IReadOnlyList<Passage>> ReadDistinctAsync(
        ISearchSnapshot snapshot,
        IReadOnlyList<FusedChunk> fused,
        int count,
        CancellationToken cancellationToken
    )
    {
        var passages = new List<Passage>(count);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var batch in fused.Chunk(count))
        {
            var legs = batch.ToDictionary(chunk => (chunk.Chunk.DocumentId, chunk.Chunk.Ordinal));
            var read = await snapshot
                .ReadPassagesAsync([.. batch.Select(chunk => chunk.Chunk)], cancellationToken)
                .ConfigureAwait(false);
            foreach (var passage in read)
            {
                if (!seen.Add(ChunkIdentity.Input(passage.Headings, passage.RepeatedHeader, passage.Text)))
                {
                    continue;
                }

                var (_, lexical, vector) = legs[(passage.Reference.DocumentId, passage.Ordinal)];
                passages.Add(passage with { LexicalScore = lexical, VectorScore = vector });
                if (passages.Count == count)
                {
                    return passages;
                }
            }
        }

        return passages;
    }
}
