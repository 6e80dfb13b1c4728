using System.Numerics.Tensors;
using Npgsql;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres.Tests.Search;

/// <summary>What only PostgreSQL has: an index of vectors that need not be there, and a choice between it and comparing all.</summary>
public sealed class PostgresVectorIndexTests : IAsyncLifetime
{
    private const string Model = "o'model\\384";

    private SearchDatabase _search = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _search = await SearchDatabase.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_search is not null)
        {
            await _search.DisposeAsync();
        }
    }

    [Fact]
    public Task The_nearest_are_found_at_every_selectivity_with_and_without_an_index() =>
        AssertRecallAsync(documents: 200, chunksEach: 15, dimensions: 64, topics: 20, questions: 25);

    [Fact(Explicit = true), Trait("Tier", "nightly")]
    public Task The_nearest_of_100_000_are_found_at_every_selectivity() =>
        AssertRecallAsync(documents: 5000, chunksEach: 20, dimensions: 384, topics: 500, questions: 50);

    [Fact]
    public async Task The_index_is_used_once_it_is_there()
    {
        var vectors = await PublishAsync(600);
        await OptimizeAsync();

        Assert.Equal(5, (await _search.NearestAsync(vectors[0], 5, Model)).Count);

        _search.EndConnections(); // a connection that ends tells its statistics
        object? scans = 0L;
        for (var i = 0; i < 500 && scans is 0L; i++)
        {
            scans = await _search.ExecuteAsync("select idx_scan from pg_stat_user_indexes where " + IsHnsw);
        }

        Assert.Equal(1L, scans);
    }

    [Fact]
    public async Task Few_vectors_get_no_index_and_an_index_is_built_once()
    {
        await PublishAsync(SearchDatabase.LeastIndexedVectors - 1);
        await OptimizeAsync();
        Assert.Null(await IndexAsync());

        await PublishAsync(1);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OptimizeAsync()));
        var index = await IndexAsync();
        Assert.NotNull(index);

        await OptimizeAsync();
        Assert.Equal(index, await IndexAsync());
    }

    [Fact]
    public async Task What_a_build_that_died_left_behind_is_built_anew()
    {
        var vectors = await PublishAsync(600);
        await OptimizeAsync();
        var leftover = await IndexAsync();
        await _search.ExecuteAsync(
            $"update pg_index set indisvalid = false where indexrelid = 'slipway.{Column.IndexName}'::regclass"
        );
        _search.Index.Vectors.Forget();
        Assert.Equal(7, (await _search.NearestAsync(vectors[3], 7, Model)).Count);

        await OptimizeAsync();

        Assert.NotEqual(leftover, await IndexAsync());
        Assert.Equal(
            true,
            await _search.ExecuteAsync($"select indisvalid from pg_index where indexrelid = {await IndexAsync()}")
        );
    }

    [Fact]
    public async Task An_index_is_built_while_others_write_and_search()
    {
        var vectors = await PublishAsync(1000);
        var building = OptimizeAsync();
        var number = 0;
        do
        {
            var more = await PublishAsync(20);
            var hits = await _search.NearestAsync(more[7], 1, Model);
            Assert.Equal(1, Assert.Single(hits).Score, 5);
            number++;
        } while (!building.IsCompleted);

        await building;
        Assert.Equal(1000 + (20L * number), await _search.ExecuteAsync("select count(*) from slipway.embeddings"));
        Assert.NotNull(await IndexAsync());
    }

    [Fact]
    public async Task Whoever_does_not_own_the_table_builds_nothing_and_searches_all_the_same()
    {
        var vectors = await PublishAsync(600);
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(_search.ConnectionString) { Pooling = false }.ConnectionString
        );
        await connection.OpenAsync(Token);
        await using (var command = new NpgsqlCommand("set role pg_read_all_data", connection))
        {
            await command.ExecuteNonQueryAsync(Token);
        }

        Assert.Equal(0, await PostgresVectorIndex.BuildAsync(connection, 500, Token));
        Assert.Null(await IndexAsync());
        Assert.Equal(7, (await _search.NearestAsync(vectors[3], 7, Model)).Count);
    }

    [Theory, Trait("Parity", "S45")]
    [InlineData(2000, "vector(2000)")]
    [InlineData(2001, "halfvec(2001)")]
    [InlineData(4001, null)]
    public async Task Above_2_000_dimensions_the_index_holds_halves_and_above_4_000_there_is_none(
        int dimensions,
        string? indexed
    )
    {
        var random = new ClusteredVectors(5, dimensions, 5);
        var documents = Enumerable
            .Range(0, 4)
            .Select(i => ($"d{i}", "default", (string?)null, random.Document(30)))
            .ToArray();
        await _search.PublishVectorsAsync(Model, documents);
        var index = new PostgresSearchIndex(_search.Database) { LeastIndexedVectors = 100 };

        await index.OptimizeAsync(CollectionKey.Default, Token);

        var definition = (string?)
            await _search.ExecuteAsync("select indexdef from pg_indexes where indexname like 'embeddings_hnsw%'");
        Assert.Equal(indexed is not null, definition?.Contains("::" + indexed, StringComparison.Ordinal) ?? false);
        var question = random.Question(documents[2].Item4[3]);
        var nearest = await _search.NearestAsync(question, 3, Model);
        var expected = Nearest(documents, question, 3);
        Assert.Equal(
            expected.Select(hit => (hit.Id, hit.Ordinal)),
            nearest.Select(hit => (hit.DocumentId, hit.Ordinal))
        );
        Assert.All(nearest.Zip(expected), pair => Assert.Equal(pair.Second.Score, pair.First.Score, 1e-5)); // not the halves' score
    }

    [Fact, Trait("Parity", "S113")]
    public async Task Vectors_of_another_dimension_are_refused_under_a_models_name()
    {
        await PublishAsync(1);

        var exception = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await _search.PublishVectorsAsync(
                Model,
                [
                    (
                        "other",
                        "default",
                        null,
                        [
                            [1, 2, 3],
                        ]
                    ),
                ]
            )
        );

        Assert.Equal(ErrorClass.Configuration, exception.Class);
        Assert.Contains("of 3 dimensions", exception.Message, StringComparison.Ordinal);
        Assert.Contains("vectors of 16", exception.Message, StringComparison.Ordinal);
        Assert.Equal(1L, await _search.ExecuteAsync("select count(*) from slipway.embeddings"));
        exception = await Assert.ThrowsAsync<SlipwayException>(() => _search.NearestAsync([1, 2, 3], 1, Model));
        Assert.Contains("of 3 dimensions", exception.Message, StringComparison.Ordinal);
    }

    [Theory, Trait("Tier", "fast")]
    [InlineData(10, 100_000, 0, null)] // no index
    [InlineData(10, 100_000, 100_000, 10)] // nothing is filtered
    [InlineData(100, 50_000, 100_000, 400)] // half passes: twice as many, and twice that to be safe
    [InlineData(10, 10_000, 100_000, 200)]
    [InlineData(10, 100, 100_000, null)] // few: comparing them is less work
    [InlineData(100, 120, 120, null)]
    [InlineData(10, 0, 100_000, null)]
    [InlineData(1000, 2_000_000, 100_000_000, null)] // further than the index may be asked
    public void A_plan_takes_the_index_where_that_is_less_work(int count, long matching, long indexed, int? candidates)
    {
        Assert.Equal(candidates, PostgresVectorPlan.Choose(count, matching, indexed).Candidates);
    }

    private static EmbeddingColumn Column => new(Model, 16);

    private const string IsHnsw = "indexrelname like 'embeddings_hnsw%'";

    private async Task AssertRecallAsync(int documents, int chunksEach, int dimensions, int topics, int questions)
    {
        var random = new ClusteredVectors(11, dimensions, topics);
        var all = Enumerable
            .Range(0, documents)
            .Select(i =>
                (
                    Id: $"d{i:D5}",
                    Collection: "default",
                    Principal: (string?)Group(i),
                    Vectors: random.Document(chunksEach)
                )
            )
            .ToArray();
        await _search.PublishVectorsAsync(Model, all);
        // What autovacuum would do in a minute.
        await _search.ExecuteAsync("analyze slipway.documents, slipway.chunks, slipway.embeddings");
        var asked = all.Take(questions).Select(document => random.Question(document.Vectors[1])).ToArray();
        foreach (var isIndexed in new[] { false, true })
        {
            if (isIndexed)
            {
                await OptimizeAsync();
                Assert.NotNull(await IndexAsync());
            }

            foreach (var share in new[] { 1, 10, 100, 1000, 10_000 })
            {
                // The first document of each share is in; a smaller share lies in a larger one.
                var principal = new Principal("default", "p") { Groups = [.. Names(share)] };
                var visible = all.Where((_, i) => Array.Exists(Names(share), name => "group:" + name == Group(i)))
                    .ToArray();
                var found = 0;
                var wanted = 0;
                foreach (var question in asked)
                {
                    var expected = Nearest(visible.Select(d => (d.Id, "", (string?)null, d.Vectors)), question, 10);
                    var hits = await _search.NearestAsync(question, 10, Model, principal: principal);
                    Assert.Equal(expected.Count, hits.Count);
                    wanted += expected.Count;
                    found += expected.Count(hit =>
                        hits.Any(other => (other.DocumentId, other.Ordinal) == (hit.Id, hit.Ordinal))
                    );
                }

                var recall = (double)found / wanted;
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{100.0 / share} % of {documents * chunksEach}, {(isIndexed ? "HNSW" : "no index")}: recall@10 {recall:F4}"
                );
                Assert.InRange(recall, 0.98, 1);
            }
        }

        // Groups by powers of ten: who is in the group of every thousandth document sees a thousandth and what is rarer.
        static string Group(int i) =>
            i % 10_000 == 0 ? "group:10000"
            : i % 1000 == 0 ? "group:1000"
            : i % 100 == 0 ? "group:100"
            : i % 10 == 0 ? "group:10"
            : "group:1";

        static string[] Names(int share) =>
            [.. new[] { 1, 10, 100, 1000, 10_000 }.Where(other => other >= share).Select(other => $"{other}")];
    }

    private static List<(string Id, int Ordinal, float Score)> Nearest(
        IEnumerable<(string Id, string, string?, float[][] Vectors)> documents,
        float[] question,
        int count
    ) =>
        [
            .. documents
                .SelectMany(document =>
                    document.Vectors.Select(
                        (vector, i) =>
                            (document.Id, Ordinal: i, Score: TensorPrimitives.CosineSimilarity<float>(vector, question))
                    )
                )
                .OrderByDescending(hit => hit.Score)
                .Take(count),
        ];

    private async Task OptimizeAsync() => await _search.Index.OptimizeAsync(CollectionKey.Default, Token);

    private Task<object?> IndexAsync() =>
        _search.ExecuteAsync($"select to_regclass('slipway.{Column.IndexName}')::oid::bigint");

    private int _published;

    private async Task<float[][]> PublishAsync(int count)
    {
        var random = new ClusteredVectors(_published, 16, 10);
        var vectors = random.Document(count);
        await _search.PublishVectorsAsync(Model, [($"d{_published++:D3}", "default", null, vectors)]);
        return vectors;
    }
}
