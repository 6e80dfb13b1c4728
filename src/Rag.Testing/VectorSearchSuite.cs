using System.Numerics.Tensors;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="ISearchSnapshot.SearchVectorsAsync"/>: the nearest of one model.</summary>
public abstract class VectorSearchSuite(OpenStore open) : StoreSuite(open)
{
    /// <summary>How far a cosine may be from the one of <c>TensorPrimitives</c>. 0 asks for the same bits and the same order of ties.</summary>
    protected virtual double CosineTolerance => 1e-5;

    /// <summary>Random vectors are the hardest case: all neighbours are about equally far.</summary>
    [Fact]
    public async Task At_least_98_of_100_nearest_are_the_true_ones()
    {
        const int Documents = 100;
        const int ChunksEach = 20;
        const int Dimensions = 128;
        var random = new Random(7);
        var vectors = Enumerable
            .Range(0, Documents * ChunksEach)
            .Select(_ => RandomVector(random, Dimensions))
            .ToArray();
        for (var d = 0; d < Documents; d++)
        {
            var chunks = Corpus.Chunks([.. Enumerable.Range(0, ChunksEach).Select(c => $"{d} {c}")]);
            await Store.Documents.SaveEmbeddingsAsync(
                "random",
                [
                    .. chunks.Select(chunk =>
                        (chunk.ContentHash, (ReadOnlyMemory<float>)vectors[(d * ChunksEach) + chunk.Ordinal])
                    ),
                ],
                Token
            );
            await Store.Documents.PublishAsync(
                Corpus.Publication($"{d}") with
                {
                    Chunks = chunks,
                    EmbeddingModel = "random",
                },
                Token
            );
        }

        var found = 0;
        const int Queries = 50;
        for (var q = 0; q < Queries; q++)
        {
            var query = RandomVector(random, Dimensions);
            var expected = vectors
                .Select((vector, i) => (i, TensorPrimitives.CosineSimilarity<float>(vector, query)))
                .OrderByDescending(pair => pair.Item2)
                .Take(10)
                .Select(pair => (Corpus.Id($"{pair.i / ChunksEach}"), pair.i % ChunksEach))
                .ToHashSet();
            var nearest = await Corpus.NearestAsync(query, 10, model: "random");
            Assert.Equal(10, nearest.Count);
            found += nearest.Count(hit => expected.Contains((hit.DocumentId, hit.Ordinal)));
        }

        Assert.InRange(found / (10.0 * Queries), 0.98, 1);
    }

    [Fact]
    public async Task Chunks_without_an_embedding_or_a_direction_are_passed_over()
    {
        var id = await Corpus.PublishAsync("a", "one", "two", "three");
        await Corpus.SaveEmbeddingAsync("late", "two", 1, 2);
        await Corpus.SaveEmbeddingAsync("late", "three", 0, 0);
        await Corpus.PublishAsync(Corpus.Publication("a", "one", "two", "three") with { EmbeddingModel = "late" });

        var hit = Assert.Single(await Corpus.NearestAsync([2, 4], model: "late"));

        Assert.Equal((id, 1), (hit.DocumentId, hit.Ordinal));
        Assert.Equal(1, hit.Score, 5);
        Assert.Empty(await Corpus.NearestAsync([2, 4], model: "unknown"));
    }

    [Fact]
    public async Task Similarity_is_the_cosine_from_minus_one_to_one()
    {
        var texts = new[] { "same", "across", "against" };
        float[][] vectors =
        [
            [3, 0],
            [0, 0.001f],
            [-7, 0],
        ];
        foreach (var (text, vector) in texts.Zip(vectors))
        {
            await Corpus.SaveEmbeddingAsync("plane", text, vector);
        }

        await Corpus.PublishAsync(Corpus.Publication("a", texts) with { EmbeddingModel = "plane" });

        var hits = await Corpus.NearestAsync([100, 0], model: "plane");

        Assert.Equal([0, 1, 2], hits.Select(hit => hit.Ordinal));
        Assert.Equal([1, 0, -1], hits.Select(hit => Math.Round(hit.Score, 5)));
        Assert.Empty(await Corpus.NearestAsync([100, 0], 0, model: "plane"));
    }

    [Fact, Trait("Parity", "S113")]
    public async Task A_query_of_another_dimension_is_a_configuration_error_that_names_both()
    {
        await Corpus.PublishAsync("a", "boiler");

        var exception = await Assert.ThrowsAsync<SlipwayException>(() => Corpus.NearestAsync([1, 2, 3]));

        Assert.Equal(ErrorClass.Configuration, exception.Class);
        Assert.Contains("3 dimensions", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"of {WordVectors.Dimensions}", exception.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Parity", "S113")]
    public async Task Models_of_different_dimensions_live_side_by_side()
    {
        await Corpus.PublishAsync("a", "boiler");
        await Corpus.SaveEmbeddingAsync("large", "boiler", WordVectors.Of("boiler", 1000));
        await Corpus.SaveEmbeddingAsync("huge", "boiler", WordVectors.Of("boiler", 3072));

        Assert.Single(await Corpus.NearestAsync(WordVectors.Of("boiler")));
        Assert.Single(await Corpus.NearestAsync(WordVectors.Of("boiler", 1000), model: "large"));
        Assert.Single(await Corpus.NearestAsync(WordVectors.Of("boiler", 3072), model: "huge"));
    }

    [Fact]
    public async Task Many_small_changes_are_put_together_and_nothing_is_lost()
    {
        var documents = new Dictionary<string, string[]>();
        for (var i = 0; i < 120; i++)
        {
            var (name, texts) = ($"d{i % 50}", new[] { $"word{i} boiler", $"pump word{i * 7}" });
            documents[await Corpus.PublishAsync(name, texts)] = texts;
            if (i % 10 == 9)
            {
                await Corpus.DeleteAsync(name);
                documents.Remove(Corpus.Id(name));
            }

            var query = WordVectors.Of($"word{i - 3} pump");
            WordVectors.AssertNearest(documents, query, 5, await Corpus.NearestAsync(query, 5), CosineTolerance);
        }
    }

    private static float[] RandomVector(Random random, int dimensions) =>
        [.. Enumerable.Range(0, dimensions).Select(_ => (float)(random.NextDouble() - 0.5))];
}
