using System.Globalization;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>A real disk that is full. Its log is elsewhere: PostgreSQL itself stops when that is full.</summary>
[Collection(nameof(FaultServer))]
public sealed class FullDiskTests(FaultServer fault)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public async Task What_was_answered_stays_and_the_rest_may_be_done_when_there_is_room()
    {
        var server = await fault.GetAsync() as LocalPostgres;
        var disk = server?.MakeDisk(megabytes: 14);
        Assert.SkipWhen(disk is null, "Only root on Linux, with PostgreSQL on this machine, can mount a small disk.");
        await using (var admin = await PostgresTestDatabase.CreateEmptyAsync(server!.ConnectionString))
        {
            await admin.ExecuteAsync($"create tablespace small location '{disk.Value.Inside}'");
        }

        await using var test = await PostgresTestDatabase.CreateEmptyAsync(
            server.ConnectionString,
            " tablespace small"
        );
        await using var store = new PostgresStoreFixture(test, new FixedClock(), owns: false);
        var corpus = new Corpus(store);
        var answered = 0;
        SlipwayException? refused = null;
        for (; refused is null && answered < 1000; answered++)
        {
            try
            {
                await corpus.PublishAsync($"d{answered}", Text(answered));
            }
            catch (SlipwayException exception)
            {
                refused = exception;
                break;
            }
        }

        Assert.NotNull(refused);
        Assert.Equal(ErrorClass.Transient, refused.Class);
        Assert.Contains("is full", refused.Message, StringComparison.Ordinal);
        Assert.Equal(answered, (await corpus.LedgerAsync()).Count);
        Assert.Equal(answered, await store.CountAsync(StoredKind.Chunks, Token));
        Assert.Equal(answered, (await corpus.SearchAsync("pump", 2000)).Count);

        server.ResizeDisk(megabytes: 64);
        await corpus.PublishAsync($"d{answered}", Text(answered));
        Assert.Equal(answered + 1, (await corpus.SearchAsync("pump", 2000)).Count);
    }

    /// <summary>Text that does not compress well.</summary>
    private static string Text(int seed)
    {
        var random = new Random(seed);
        return "pump "
            + string.Join(
                ' ',
                Enumerable.Range(0, 3000).Select(_ => random.NextInt64().ToString("x16", CultureInfo.InvariantCulture))
            );
    }
}
