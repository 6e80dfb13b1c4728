using Microsoft.Extensions.AI;

namespace Slipway.Rag.Benchmarks;

/// <summary>An embedding model that computes nothing: a few vectors, by the length of the text. With a delay it stands for one that is called
/// over a network.</summary>
internal sealed class FixedVectors(TimeSpan delay = default) : IEmbeddingGenerator<string, Embedding<float>>
{
    public const int Dimensions = 384;

    /// <summary>As the engine names it.</summary>
    public const string Model = "fixed;384";

    private static readonly Embedding<float>[] Vectors = Make();

    private int _calls;

    public int Calls => _calls;

    public static ReadOnlyMemory<float> Of(string text) => Vectors[text.Length % Vectors.Length].Vector;

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        Interlocked.Increment(ref _calls);
        if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, TimeProvider.System, cancellationToken);
        }

        return new(values.Select(text => Vectors[text.Length % Vectors.Length]));
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata("fixed", null, "fixed", Dimensions)
            : null;

    public void Dispose() { }

    private static Embedding<float>[] Make()
    {
        var random = new Random(1);
        return
        [
            .. Enumerable
                .Range(0, 64)
                .Select(_ => new Embedding<float>(
                    Enumerable.Range(0, Dimensions).Select(_ => random.NextSingle() - 0.5f).ToArray()
                )),
        ];
    }
}
