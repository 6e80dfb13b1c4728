using System.Numerics.Tensors;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite.Tests.Search;

[Trait("Tier", "fast")]
public sealed class SqliteVectorsTests : IDisposable
{
    private readonly SearchFile _file = new();
    private readonly SqliteSearchIndex _index;

    public SqliteVectorsTests() => _index = new SqliteSearchIndex(_file.Database);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

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

    public void Dispose() => _file.Dispose();
}
