using Microsoft.Extensions.AI;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Testing;

/// <summary>The embedding model as one process sees it.</summary>
internal sealed class SimulatedEmbedder(Gate gate) : IEmbeddingGenerator<string, Embedding<float>>
{
    public const string Model = "simulated;4";

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var texts = values.ToList();
        return gate.PassAsync(
            new GatedCall("model.embed", texts, cancellationToken),
            () => Task.FromResult(Embed(texts))
        );
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata("simulated", null, "simulated", 4)
            : null;

    public void Dispose() { }

    private static GeneratedEmbeddings<Embedding<float>> Embed(List<string> texts) =>
        texts.Exists(text => text.Contains(SimulatedSource.Poison, StringComparison.Ordinal))
            ? throw new SlipwayException(ErrorClass.Permanent, "The model does not embed this.")
            : [.. texts.Select(text => new Embedding<float>(Vector(text)))];

    private static float[] Vector(string text)
    {
        var hash = TermHash.Of(text);
        return [1, (hash & 255) / 255f, ((hash >> 8) & 255) / 255f, ((hash >> 16) & 255) / 255f];
    }
}
