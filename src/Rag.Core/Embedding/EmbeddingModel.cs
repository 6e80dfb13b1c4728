using Microsoft.Extensions.AI;

namespace Slipway.Rag.Embedding;

/// <summary>Names an embedding model, so that vectors of different models are never compared.</summary>
public static class EmbeddingModel
{
    /// <summary>
    /// The model's name and, where it is set, its dimension, such as <c>text-embedding-3-small;512</c>. The endpoint is left out: the
    /// same model behind another address makes the same vectors.
    /// </summary>
    public static string Fingerprint(IEmbeddingGenerator<string, Embedding<float>> generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var metadata = generator.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;
        var name = metadata?.DefaultModelId ?? metadata?.ProviderName ?? generator.GetType().Name;
        return metadata?.DefaultModelDimensions is { } dimensions ? $"{name};{dimensions}" : name;
    }
}
