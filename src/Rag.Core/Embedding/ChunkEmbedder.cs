using Microsoft.Extensions.AI;
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
    /// <summary>A chunk of white space alone: it says nothing, and models refuse an empty input.</summary>
    private static readonly string Blank = ChunkIdentity.Hash("");

    /// <summary>Fingerprint of the model, or null when there is none.</summary>
    public string? Model { get; } = generator is null ? null : EmbeddingModel.Fingerprint(generator);

    /// <summary>Makes sure that every chunk that says something has an embedding.</summary>
    /// <returns>How many had to be made.</returns>
    public async ValueTask<int> EmbedMissingAsync(
        IReadOnlyList<ChunkRecord> chunks,
        CancellationToken cancellationToken
    )
    {
        if (generator is null || Model is null || chunks.Count == 0)
        {
            return 0;
        }

        var byHash = chunks
            .Where(chunk => chunk.ContentHash != Blank)
            .DistinctBy(chunk => chunk.ContentHash)
            .ToDictionary(chunk => chunk.ContentHash);
        if (byHash.Count == 0)
        {
            return 0;
        }

        var known = await store.FindEmbeddedAsync(Model, byHash.Keys, cancellationToken).ConfigureAwait(false);
        var missing = byHash
            .Values.Where(chunk => !known.Contains(chunk.ContentHash))
            .Select(chunk =>
                (chunk.ContentHash, Input: ChunkIdentity.Input(chunk.Headings, chunk.RepeatedHeader, chunk.Text))
            )
            .ToList();
        foreach (var batch in Batches(missing))
        {
            var vectors = await generator
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
                    Model,
                    [.. batch.Select((item, i) => (item.ContentHash, vectors[i].Vector))],
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return missing.Count;
    }

    private IEnumerable<List<(string ContentHash, string Input)>> Batches(
        IReadOnlyList<(string ContentHash, string Input)> items
    )
    {
        var batch = new List<(string ContentHash, string Input)>();
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
}
