using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Tests.Conformance;

namespace Slipway.Storage.Sqlite.Tests.Ingestion;

public sealed class StoredTimesTests
{
    [Fact]
    [Trait("Parity", "S107")]
    public async Task Times_in_columns_are_utc_milliseconds_of_the_given_clock()
    {
        var token = TestContext.Current.CancellationToken;
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero));
        time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(9), "test", "test"));
        await using var store = await SqliteStoreFixture.OpenAsync(time, token);
        using var knowledge = new Knowledge(store, time);
        knowledge.Write("a.md", "alpha");
        await knowledge.RunAsync();

        foreach (var (table, column) in new[] { ("documents", "created_at"), ("ingestion_runs", "finished_at") })
        {
            Assert.Equal(
                time.GetUtcNow().ToUnixTimeMilliseconds(),
                await ((SqliteStoreFixture)store).Database.ReadAsync(
                    session => (long)session.Scalar($"select {column} from {table}")!,
                    token
                )
            );
        }
    }
}
