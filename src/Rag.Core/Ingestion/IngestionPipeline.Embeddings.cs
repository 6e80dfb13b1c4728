using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Slipway.Rag.Embedding;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

// A change of model: its vectors are made beside those that answer, and take over when they are complete.
public sealed partial class IngestionPipeline
{
    /// <summary>Chunks that are read at once to be embedded: some requests, and no more text than a few documents have.</summary>
    private const int UnembeddedAtOnce = 256;

    /// <summary>Collections in which this pipeline's model has answered.</summary>
    private readonly ConcurrentDictionary<CollectionKey, bool> _answered = new();

    /// <summary>
    /// Says what a run would embed of chunks that are published already: all of them after a change of model. Changes nothing. Reads the
    /// chunks that lack a vector, so it takes some seconds where there are hundreds of thousands of them.
    /// </summary>
    /// <returns>Null when nothing is pending: no model, nothing published, or the model answers and nobody has left a gap.</returns>
    public async Task<EmbeddingPlan?> PlanEmbeddingsAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    )
    {
        if (_embedder.Model is not { } model)
        {
            return null;
        }

        var generation = await _store.ReadEmbeddingGenerationAsync(collection, cancellationToken).ConfigureAwait(false);
        if (generation.Model == model && !generation.MayHaveGaps)
        {
            return null;
        }

        var plan = new EmbeddingPlan(model, generation.Model, 0, 0);
        await foreach (var chunks in FindUnembeddedAsync(collection, cancellationToken).ConfigureAwait(false))
        {
            plan = plan with
            {
                Chunks = plan.Chunks + chunks.Count,
                EstimatedTokens = plan.EstimatedTokens + _embedder.CountTokens(chunks),
            };
        }

        return plan.Chunks > 0 || (plan.IsChange && plan.Answering is not null) ? plan : null;
    }

    /// <summary>Makes the vectors that are missing. Without work where the model answers already and nobody has left a gap.</summary>
    private async ValueTask CompleteEmbeddingsAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        if (_embedder.Model is not { } model)
        {
            return;
        }

        var before = await _store.ReadEmbeddingGenerationAsync(run.Collection, cancellationToken).ConfigureAwait(false);
        if (before.Model == model)
        {
            _answered[run.Collection] = true;
            if (!before.MayHaveGaps)
            {
                return;
            }
        }
        else if (before.Model is not null && _answered.ContainsKey(run.Collection))
        {
            // A newer deployment has taken over; two that never agree would embed for ever.
            LogSuperseded(model, before.Model);
            return;
        }

        var name = $"embed {run.Collection.Tenant}/{run.Collection.Collection}/{model}";
        var builder = await AcquireAsync(name, run.Owner, cancellationToken).ConfigureAwait(false);
        if (builder is null)
        {
            return; // another process is at it
        }

        await using (builder.ConfigureAwait(false))
        {
            if (await EmbedUnembeddedAsync(run, cancellationToken).ConfigureAwait(false))
            {
                // Searches are fast from the first one on. Whoever publishes by the model before at this very moment is seen to next time.
                await _index.OptimizeAsync(run.Collection, cancellationToken).ConfigureAwait(false);
                var generation = new EmbeddingGeneration(model, MayHaveGaps: before.Model != model);
                await _store.UseEmbeddingsAsync(run.Collection, generation, cancellationToken).ConfigureAwait(false);
                _answered[run.Collection] = true;
            }
        }
    }

    /// <returns>
    /// Whether every chunk was tried. What the model refuses for good is found by its words alone, as it is said in the report; what failed
    /// for a passing reason is tried by the next run.
    /// </returns>
    private async ValueTask<bool> EmbedUnembeddedAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        var isComplete = true;
        await foreach (var chunks in FindUnembeddedAsync(run.Collection, cancellationToken).ConfigureAwait(false))
        {
            // A model that is away is not asked ten thousand times, and what the documents have used up is not spent once more.
            run.Stopped = run.Spent;
            if (!isComplete || run.Stopped is not null)
            {
                return false;
            }

            await Parallel
                .ForEachAsync(
                    _embedder.Batches(chunks),
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = _options.EmbeddingConcurrency ?? _options.MaxConcurrency,
                        CancellationToken = cancellationToken,
                    },
                    async (batch, token) =>
                    {
                        if (!await EmbedAsync(run, batch, token).ConfigureAwait(false))
                        {
                            Volatile.Write(ref isComplete, false);
                        }
                    }
                )
                .ConfigureAwait(false);
        }

        return isComplete;
    }

    /// <summary>What the model has no vector of, page by page: it is not read all at once.</summary>
    private async IAsyncEnumerable<IReadOnlyList<EmbeddingInput>> FindUnembeddedAsync(
        CollectionKey collection,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        for (var after = ""; ; )
        {
            var chunks = await _store
                .FindUnembeddedAsync(collection, _embedder.Model!, after, UnembeddedAtOnce, cancellationToken)
                .ConfigureAwait(false);
            if (chunks.Count == 0)
            {
                yield break;
            }

            yield return [.. chunks.Select(chunk => new EmbeddingInput(chunk.ContentHash, chunk.Input))];
            after = chunks[^1].ContentHash;
        }
    }

    /// <returns>False when it failed for a passing reason.</returns>
    private async ValueTask<bool> EmbedAsync(
        IngestionRun run,
        IReadOnlyList<EmbeddingInput> batch,
        CancellationToken cancellationToken
    )
    {
        try
        {
            run.AddTokens(await _embedder.EmbedAsync(batch, cancellationToken).ConfigureAwait(false));
            run.CountEmbedded(batch.Count);
            return true;
        }
        catch (Exception exception) when (IsDocumentError(exception, cancellationToken))
        {
            var (errorClass, message, _) = Describe(exception);
            if (errorClass != ErrorClass.Permanent || batch.Count == 1)
            {
                run.AddError(new DocumentError($"Embeddings by '{_embedder.Model}'", errorClass, message));
                LogNotEmbedded(exception, _embedder.Model!, message);
                return errorClass == ErrorClass.Permanent;
            }
        }

        var isComplete = true;
        foreach (var one in batch)
        {
            isComplete &= await EmbedAsync(run, [one], cancellationToken).ConfigureAwait(false);
        }

        return isComplete;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The vectors of {Model} no longer answer: {Successor} has taken over. Stop this process, or restart it to go back to {Model}"
    )]
    private partial void LogSuperseded(string model, string successor);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Model} could not embed what it has no vectors of: {Error}")]
    private partial void LogNotEmbedded(Exception exception, string model, string error);
}
