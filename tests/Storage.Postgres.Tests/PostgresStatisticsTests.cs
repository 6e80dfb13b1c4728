using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests;

/// <summary>PostgreSQL plans by what it has counted, and it counts a table only a minute after it was filled.</summary>
public sealed class PostgresStatisticsTests
{
    [Fact]
    public async Task A_large_plan_is_counted_at_once_and_a_small_one_is_left_to_autovacuum()
    {
        await using var test = await PostgresTestDatabase.CreateAsync();
        await using var database = new PostgresDatabase(
            test.DataSource,
            ownsDataSource: false,
            test.Options,
            TimeProvider.System
        );
        var store = new PostgresDocumentStore(database);

        await ApplyAsync(store, from: 0, count: 999);
        Assert.NotEqual(999f, await CountedAsync(test));

        await ApplyAsync(store, from: 999, count: 1);
        Assert.Equal(1_000f, await CountedAsync(test));
    }

    private static async Task ApplyAsync(PostgresDocumentStore store, int from, int count) =>
        await store.ApplyAsync(
            new PlannedChanges
            {
                Collection = CollectionKey.Default,
                Source = "many",
                Due =
                [
                    .. Enumerable
                        .Range(from, count)
                        .Select(i => new SourceDocument { ExternalId = $"{i}.md", Name = $"{i}.md" }),
                ],
            },
            TestContext.Current.CancellationToken
        );

    private static Task<object?> CountedAsync(PostgresTestDatabase test) =>
        test.ExecuteAsync("select reltuples from pg_class where oid = 'slipway.documents'::regclass");
}
