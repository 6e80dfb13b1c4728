using Microsoft.Extensions.AI;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Embedding;

/// <summary>Embeds what has no embedding yet. Each batch is kept as soon as it is paid for.</summary>
internal sealed class ChunkEmbedder(
    IEmbeddingGenerator<string, Embedding<float>>? generator,
    IDocumentStore store,
    IngestionOptions options
)
{
    private readonly TokenEstimator _tokens = new();

    /// <summary>Fingerprint of the model, or null when there is none.</summary>
    public string? Model { get; } = generator is null ? null : EmbeddingModel.Fingerprint(generator);

    /// <summary>
    /// Makes sure that every chunk of some documents that says something has an embedding. Their chunks share batches: a hundred small
    /// documents are a few calls.
    /// </summary>
    /// <param name="documents">The chunks of each document.</param>
    /// <param name="paid">Told the estimated tokens of each batch that was made.</param>
    /// <param name="isDocumentError">Whether an exception concerns documents alone; any other one is thrown.</param>
    /// <param name="cancellationToken">Cancels between and within calls.</param>
    /// <returns>What became of each document, in the given order.</returns>
    public async ValueTask<IReadOnlyList<EmbeddedDocument>> EmbedMissingAsync(
        IReadOnlyList<IReadOnlyList<ChunkRecord>> documents,
        Action<long> paid,
        Func<Exception, bool> isDocumentError,
        CancellationToken cancellationToken
    )
    {
        var missing = await FindMissingAsync(documents, cancellationToken).ConfigureAwait(false);
        var errors = new Dictionary<string, Exception>(StringComparer.Ordinal);
        foreach (var batch in Batches(missing))
        {
            try
            {
                paid(await EmbedAsync(batch, cancellationToken).ConfigureAwait(false));
            }
            catch (Exception exception) when (isDocumentError(exception))
            {
                foreach (var chunk in batch)
                {
                    errors[chunk.ContentHash] = exception;
                }
            }
        }

        // What several documents share is counted for the first of them.
        var made = missing.Select(chunk => chunk.ContentHash).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. documents.Select(chunks => new EmbeddedDocument(
                chunks.Count(chunk => made.Remove(chunk.ContentHash)),
                chunks.Select(chunk => errors.GetValueOrDefault(chunk.ContentHash)).FirstOrDefault(e => e is not null)
            )),
        ];
    }

    /// <summary>Embeds one batch and keeps it.</summary>
    /// <returns>Its tokens, estimated.</returns>
    public async ValueTask<long> EmbedAsync(IReadOnlyList<EmbeddingInput> batch, CancellationToken cancellationToken)
    {
        using var span = RagTelemetry.Spans.StartActivity("slipway.embed");
        span?.SetTag("gen_ai.request.model", Model).SetTag("slipway.chunks", batch.Count);
        var vectors = await generator!
            .GenerateAsync(batch.Select(item => item.Input), null, cancellationToken)
            .ConfigureAwait(false);
        if (vectors.Count != batch.Count)
        {
            throw new SlipwayException(
                ErrorClass.Transient,
                $"The embedding model '{Model}' returned {vectors.Count} vectors for {batch.Count} texts."
            );
        }

        await store
            .SaveEmbeddingsAsync(
                Model!,
                [.. batch.Select((item, i) => (item.ContentHash, vectors[i].Vector))],
                cancellationToken
            )
            .ConfigureAwait(false);
        return CountTokens(batch);
    }

    /// <summary>The tokens of some texts, estimated.</summary>
    public long CountTokens(IReadOnlyList<EmbeddingInput> items) => items.Sum(item => (long)_tokens.Count(item.Input));

    /// <summary>Cuts into requests that a provider takes.</summary>
    public IEnumerable<IReadOnlyList<EmbeddingInput>> Batches(IReadOnlyList<EmbeddingInput> items)
    {
        var batch = new List<EmbeddingInput>();
        var characters = 0;
        foreach (var item in items)
        {
            if (
                batch.Count > 0
                && (
                    batch.Count == options.EmbeddingBatchSize
                    || characters + item.Input.Length > options.EmbeddingBatchCharacters
                )
            )
            {
                yield return batch;
                batch = [];
                characters = 0;
            }

            batch.Add(item);
            characters += item.Input.Length;
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private async ValueTask<IReadOnlyList<EmbeddingInput>> FindMissingAsync(
        IReadOnlyList<IReadOnlyList<ChunkRecord>> documents,
        CancellationToken cancellationToken
    )
    {
        if (Model is null)
        {
            return [];
        }

        var byHash = documents
            .SelectMany(chunks => chunks)
            .Where(chunk => chunk.ContentHash != ChunkIdentity.Blank)
            .DistinctBy(chunk => chunk.ContentHash)
            .ToDictionary(chunk => chunk.ContentHash);
        if (byHash.Count == 0)
        {
            return [];
        }

        var known = await store.FindEmbeddedAsync(Model, byHash.Keys, cancellationToken).ConfigureAwait(false);
        return
        [
            .. byHash
                .Values.Where(chunk => !known.Contains(chunk.ContentHash))
                .Select(chunk => new EmbeddingInput(
                    chunk.ContentHash,
                    ChunkIdentity.Input(chunk.Headings, chunk.RepeatedHeader, chunk.Text)
                )),
        ];
    }
}

/// <summary>A text to embed.</summary>
/// <param name="ContentHash">Its hash, the embedding's key.</param>
/// <param name="Input">The text.</param>
internal readonly record struct EmbeddingInput(string ContentHash, string Input);

/// <summary>What became of a document's chunks.</summary>
/// <param name="Made">How many had to be embedded, or were tried to be.</param>
/// <param name="Error">Why one of them has no embedding; null when all have.</param>
internal readonly record struct EmbeddedDocument(int Made, Exception? Error);
