using System.Numerics.Tensors;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>A small embedding that needs no model: words thrown into a few dimensions.</summary>
internal static class WordVectors
{
    public const int Dimensions = 24;

    public static float[] Of(string text, int dimensions = Dimensions)
    {
        var vector = new float[dimensions];
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var hash = TermHash.Of(word);
            vector[hash % (ulong)dimensions] += 1 + (hash >> 60);
            vector[(hash >> 20) % (ulong)dimensions] -= 1;
        }

        return vector;
    }

    /// <summary>The nearest chunks by comparing all.</summary>
    public static IReadOnlyList<ScoredChunk> Nearest(
        IEnumerable<KeyValuePair<string, string[]>> documents,
        float[] vector,
        int count
    ) =>
        [
            .. documents
                .SelectMany(document => document.Value.Select((text, i) => (document.Key, i, Vector: Of(text))))
                .Where(chunk => TensorPrimitives.Norm<float>(chunk.Vector) > 0)
                .Select(chunk => new ScoredChunk(
                    chunk.Key,
                    chunk.i,
                    TensorPrimitives.CosineSimilarity<float>(chunk.Vector, vector)
                ))
                .OrderByDescending(chunk => chunk.Score)
                .ThenBy(chunk => chunk.DocumentId, StringComparer.Ordinal)
                .ThenBy(chunk => chunk.Ordinal)
                .Take(count),
        ];

    /// <summary>
    /// The same as by comparing all. An engine may compute a cosine in another order and so differ in the last digits: near-equal scores may
    /// change places, nothing else.
    /// </summary>
    public static void AssertNearest(
        IReadOnlyCollection<KeyValuePair<string, string[]>> documents,
        float[] vector,
        int count,
        IReadOnlyList<ScoredChunk> actual,
        double tolerance
    )
    {
        var all = Nearest(documents, vector, int.MaxValue);
        if (tolerance == 0)
        {
            Assert.Equal(all.Take(count), actual);
            return;
        }

        Assert.Equal(Math.Min(count, all.Count), actual.Count);
        Assert.Equal(actual.Count, actual.Select(hit => (hit.DocumentId, hit.Ordinal)).Distinct().Count());
        var scores = all.ToDictionary(hit => (hit.DocumentId, hit.Ordinal), hit => hit.Score);
        for (var i = 0; i < actual.Count; i++)
        {
            Assert.Equal(all[i].Score, actual[i].Score, tolerance);
            Assert.Equal(scores[(actual[i].DocumentId, actual[i].Ordinal)], actual[i].Score, tolerance);
        }
    }
}
