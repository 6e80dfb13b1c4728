using System.Collections.Concurrent;
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
        for (var after = ""; ; )
        {
            var chunks = await _store
                .FindUnembeddedAsync(run.Collection, _embedder.Model!, after, UnembeddedAtOnce, cancellationToken)
                .ConfigureAwait(false);
            if (chunks.Count == 0)
            {
                return isComplete;
            }

            after = chunks[^1].ContentHash;
            await Parallel
                .ForEachAsync(
                    _embedder.Batches([.. chunks.Select(chunk => new EmbeddingInput(chunk.ContentHash, chunk.Input))]),
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
            run.Stopped = run.Spent;
            if (!isComplete || run.Stopped is not null)
            {
                return false; // a model that is away is not asked ten thousand times
            }
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
