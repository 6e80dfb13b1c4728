using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Tests.Conformance;

namespace Slipway.Storage.Sqlite.Tests.Ingestion;

/// <summary>The simulation itself: that a seed can be seen again, and that it finds out what it is there to find out.</summary>
public sealed class SimulationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_seed_gives_the_same_history_again()
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            Assert.Equal(await RunAsync(seed), await RunAsync(seed));
        }
    }

    [Theory]
    [InlineData(nameof(Sabotage.UnfencedWorker), "under a claim that is lost")]
    [InlineData(nameof(Sabotage.UnfencedPlanner), "that has lost its lease")]
    [InlineData(nameof(Sabotage.NoDeleteGuard), "documents vanished")]
    [InlineData(nameof(Sabotage.PaidTwice), "paid for twice")]
    public async Task An_engine_that_breaks_its_promise_is_found_out(string sabotage, string expected)
    {
        SimulationException? found = null;
        for (var seed = 1; seed <= 200 && found is null; seed++)
        {
            try
            {
                await RunAsync(seed, Enum.Parse<Sabotage>(sabotage));
            }
            catch (SimulationException exception)
            {
                found = exception;
            }
        }

        Assert.Contains(expected, found?.Message);
    }

    private static Task<string> RunAsync(int seed, Sabotage sabotage = Sabotage.None) =>
        Simulation.RunAsync(seed, SqliteStoreFixture.OpenCloneAsync, sabotage, Token);
}
