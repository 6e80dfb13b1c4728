using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace Slipway.Rag.Testing;

/// <summary>Words hashed into a vector; counts what it is paid for and fails when told to.</summary>
internal sealed class CountingEmbedder(string model = "hashed-words", int dimensions = 64)
    : IEmbeddingGenerator<string, Embedding<float>>
{
    private int _inputs;

    public int Inputs => _inputs;

    /// <summary>Every text that was sent.</summary>
    public ConcurrentBag<string> Asked { get; } = [];

    /// <summary>What happens elsewhere while the model works.</summary>
    public Func<Task>? Meanwhile { get; set; }

    public Func<string, Exception?> Fails { get; set; } = _ => null;

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        if (Meanwhile is { } meanwhile)
        {
            await meanwhile();
        }

        var result = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var value in values)
        {
            if (Fails(value) is { } exception)
            {
                throw exception;
            }

            Interlocked.Increment(ref _inputs);
            Asked.Add(value);
            result.Add(new Embedding<float>(Vector(value)));
        }

        return result;
    }

    public float[] Vector(string text)
    {
        var vector = new float[dimensions];
        foreach (var word in text.ToLowerInvariant().Split(' ', '\n', '.', ','))
        {
            var hash = word.Aggregate(17u, (sum, c) => (sum * 31) + c);
            vector[hash % dimensions] += (hash & 1024) == 0 ? 1 : -1;
        }

        return vector;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata("test", null, model, dimensions)
            : null;

    public void Dispose() { }
}
