using System.Numerics.Tensors;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite.Tests.Search;

[Trait("Tier", "fast")]
public sealed class SqliteVectorSearchTests : IDisposable
{
    private readonly SearchFile _file = new();
    private readonly SqliteSearchIndex _index;

    public SqliteVectorSearchTests() => _index = new SqliteSearchIndex(_file.Database);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Random vectors are the hardest case: all neighbours are about equally far.</summary>
    [Fact]
    public async Task Ten_nearest_of_rounded_and_rescored_vectors_are_the_true_ones()
    {
        const int Documents = 200;
        const int ChunksEach = 20;
        const int Dimensions = 128;
        var random = new Random(7);
        var vectors = Enumerable
            .Range(0, Documents * ChunksEach)
            .Select(_ => RandomVector(random, Dimensions))
            .ToArray();
        await _file.Database.WriteAsync(
            session =>
            {
                for (var d = 0; d < Documents; d++)
                {
                    var chunks = Enumerable.Range(0, ChunksEach).Select(c => SearchFile.Chunk(c, $"{d} {c}")).ToArray();
                    SearchFile.Publish(session, CollectionKey.Default, $"{d:D4}", [], chunks);
                    foreach (var chunk in chunks)
                    {
                        SearchFile.WriteEmbedding(
                            session,
                            "random",
                            chunk.ContentHash,
                            vectors[(d * ChunksEach) + chunk.Ordinal]
                        );
                    }
                }
            },
            Token
        );

        var found = 0;
        const int Queries = 50;
        for (var q = 0; q < Queries; q++)
        {
            var query = RandomVector(random, Dimensions);
            var expected = vectors
                .Select((vector, i) => (i, TensorPrimitives.CosineSimilarity<float>(vector, query)))
                .OrderByDescending(pair => pair.Item2)
                .Take(10)
                .Select(pair => ($"{pair.i / ChunksEach:D4}", pair.i % ChunksEach))
                .ToHashSet();
            var nearest = await SearchFile.NearestAsync(_index, query, 10, model: "random");
            found += nearest.Count(hit => expected.Contains((hit.DocumentId, hit.Ordinal)));
        }

        Assert.InRange(found / (10.0 * Queries), 0.98, 1);
    }

    [Fact]
    public void Both_ways_to_multiply_give_the_exact_sum()
    {
        var random = new Random(3);
        foreach (var length in new[] { 1, 7, 8, 15, 16, 17, 384, 1536, 4096 })
        {
            var vector = Enumerable.Range(0, length).Select(_ => (sbyte)random.Next(-127, 128)).ToArray();
            var query = Enumerable.Range(0, length).Select(_ => (short)random.Next(-4095, 4096)).ToArray();
            var expected = vector.Zip(query, (left, right) => left * right).Sum();

            Assert.Equal(expected, Int8Vectors.Dot(vector, query));
            var portable = Int8Vectors.DotPortable(ref vector[0], ref query[0], length, out var done);
            Assert.Equal(expected, portable + vector[done..].Zip(query[done..], (left, right) => left * right).Sum());
        }
    }

    [Fact]
    public void The_largest_possible_products_do_not_overflow()
    {
        foreach (var length in new[] { 16, 4096, 8192 })
        {
            var query = Int8Vectors.Quantize(Enumerable.Repeat(1f, length).ToArray());
            var vector = Enumerable.Repeat((sbyte)127, length).ToArray();

            Assert.Equal(127L * query[0] * length, Int8Vectors.Dot(vector, query));
            Assert.True(query[0] > 1000);
        }
    }

    [Fact]
    public async Task Chunks_without_an_embedding_are_passed_over()
    {
        await _file.Database.WriteAsync(
            session =>
            {
                var chunks = new[] { "one", "two", "three" }.Select((text, i) => SearchFile.Chunk(i, text)).ToArray();
                SearchFile.Publish(session, CollectionKey.Default, "a", [], chunks);
                SearchFile.WriteEmbedding(session, "late", chunks[1].ContentHash, [1, 2]);
                SearchFile.WriteEmbedding(session, "late", chunks[2].ContentHash, [0, 0]);
            },
            Token
        );

        var hit = Assert.Single(await SearchFile.NearestAsync(_index, [2, 4], model: "late"));

        Assert.Equal(("a", 1), (hit.DocumentId, hit.Ordinal));
        Assert.Equal(1, hit.Score, 6);
        Assert.Empty(await SearchFile.NearestAsync(_index, [2, 4], model: "unknown"));
    }

    [Fact, Trait("Parity", "S113")]
    public async Task A_query_of_another_dimension_is_a_configuration_error_that_names_both()
    {
        await _file.PublishAsync("a", "boiler");

        var exception = await Assert.ThrowsAsync<SlipwayException>(() => SearchFile.NearestAsync(_index, [1, 2, 3]));

        Assert.Equal(ErrorClass.Configuration, exception.Class);
        Assert.Contains("3 dimensions", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"of {WordVectors.Dimensions}", exception.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("Parity", "S113")]
    public async Task Models_of_different_dimensions_live_side_by_side()
    {
        var chunk = SearchFile.Chunk(0, "boiler");
        await _file.PublishAsync("a", "boiler");
        await _file.Database.WriteAsync(
            session => SearchFile.WriteEmbedding(session, "large", chunk.ContentHash, WordVectors.Of("boiler", 1000)),
            Token
        );

        Assert.Single(await SearchFile.NearestAsync(_index, WordVectors.Of("boiler")));
        Assert.Single(await SearchFile.NearestAsync(_index, WordVectors.Of("boiler", 1000), model: "large"));
    }

    [Fact]
    public async Task Vectors_of_two_dimensions_under_one_name_are_an_error_until_they_agree_again()
    {
        await _file.PublishAsync("a", "boiler");
        Assert.Single(await SearchFile.NearestAsync(_index, WordVectors.Of("boiler")));
        await _file.Database.WriteAsync(
            session =>
                SearchFile.WriteEmbedding(
                    session,
                    SearchFile.Model,
                    SearchFile.Chunk(0, "pump").ContentHash,
                    [1, 2, 3]
                ),
            Token
        );
        await _file.PublishAsync("b", "pump");

        var exception = await Assert.ThrowsAsync<SlipwayException>(() =>
            SearchFile.NearestAsync(_index, WordVectors.Of("boiler"))
        );
        Assert.Contains($"{WordVectors.Dimensions} and of 3", exception.Message, StringComparison.Ordinal);

        await _file.DeleteAsync("b");
        Assert.Single(await SearchFile.NearestAsync(_index, WordVectors.Of("boiler")));
    }

    [Fact]
    public async Task A_process_that_is_behind_the_change_log_reads_everything_again()
    {
        await _file.PublishAsync("a", "boiler");
        await _file.PublishAsync("b", "pump");
        Assert.Equal(2, (await SearchFile.NearestAsync(_index, WordVectors.Of("boiler"))).Count);
        await _file.PublishAsync("unlogged", "boiler valve");
        await _file.PublishAsync("c", "boiler boiler");
        await _file.Database.WriteAsync(
            session => session.Execute("delete from index_changes where revision < 4"),
            Token
        );

        var hits = await SearchFile.NearestAsync(_index, WordVectors.Of("boiler"));

        Assert.Equal(["a", "b", "c", "unlogged"], hits.Select(hit => hit.DocumentId).Order());
    }

    [Fact]
    public async Task Many_small_changes_are_put_together_and_nothing_is_lost()
    {
        var documents = new Dictionary<string, string[]>();
        for (var i = 0; i < 120; i++)
        {
            var (id, texts) = ($"d{i % 50}", new[] { $"word{i} boiler", $"pump word{i * 7}" });
            await _file.PublishAsync(id, texts);
            documents[id] = texts;
            if (i % 10 == 9)
            {
                await _file.DeleteAsync(id);
                documents.Remove(id);
            }

            var query = WordVectors.Of($"word{i - 3} pump");
            Assert.Equal(WordVectors.Nearest(documents, query, 5), await SearchFile.NearestAsync(_index, query, 5));
        }
    }

    public void Dispose() => _file.Dispose();

    private static float[] RandomVector(Random random, int dimensions) =>
        [.. Enumerable.Range(0, dimensions).Select(_ => (float)(random.NextDouble() - 0.5))];
}
