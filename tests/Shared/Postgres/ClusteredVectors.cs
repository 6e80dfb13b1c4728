namespace Slipway.Tests;

/// <summary>
/// Vectors with structure, as those of text have: documents lie around topics, chunks around their document, questions around a chunk.
/// In pure noise all neighbours would be about equally far, and nobody searches noise.
/// </summary>
internal sealed class ClusteredVectors(int seed, int dimensions, int topics)
{
    private readonly Random _random = new(seed);
    private readonly List<float[]> _topics = [];

    public float[][] Document(int chunks)
    {
        while (_topics.Count < topics)
        {
            _topics.Add(Noise());
        }

        var document = Near(_topics[_random.Next(topics)], 0.7f);
        return [.. Enumerable.Range(0, chunks).Select(_ => Near(document, 0.6f))];
    }

    public float[] Question(float[] chunk) => Near(chunk, 0.5f);

    private float[] Near(float[] center, float distance)
    {
        var noise = Noise();
        return [.. center.Zip(noise, (c, n) => c + (distance * n))];
    }

    /// <summary>A direction of length one, about.</summary>
    private float[] Noise() =>
        [
            .. Enumerable
                .Range(0, dimensions)
                .Select(_ =>
                    (float)(
                        Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()))
                        * Math.Cos(2 * Math.PI * _random.NextDouble())
                        / Math.Sqrt(dimensions)
                    )
                ),
        ];
}
