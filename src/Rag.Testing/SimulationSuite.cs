using System.Collections.Concurrent;
using System.Globalization;

namespace Slipway.Rag.Testing;

/// <summary>
/// Several processes ingest one source that changes meanwhile. They crash, stand still and wake late; calls fail, take long or lose their
/// replies; listings are broken in every way. Whatever the history: no document is lost, none is published by who is late, nothing is paid
/// for twice, and in the end the store holds what it would hold if nothing had ever gone wrong.
/// </summary>
/// <remarks>
/// A history is drawn from its seed, and a failure prints seed and trace. To see it alone, set the environment variable
/// <see cref="SeedVariable"/> to the seed and run the same test.
/// </remarks>
public abstract class SimulationSuite(OpenStore open)
{
    /// <summary>The environment variable that names the one seed to run.</summary>
    public const string SeedVariable = "SLIPWAY_SIMULATION_SEED";

    /// <summary>Histories of the default tier. A store whose databases are dear may try fewer.</summary>
    protected virtual int Histories => 1_000;

    /// <summary>Histories of a night.</summary>
    protected virtual int NightlyHistories => 10_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task Whatever_befalls_the_workers_ends_as_if_nothing_had() => RunAsync(Histories);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task Whatever_befalls_the_workers_ends_as_if_nothing_had_in_many_histories() => RunAsync(NightlyHistories);

    [Fact]
    public async Task A_seed_gives_the_same_history_again()
    {
        for (var seed = 1; seed <= Math.Min(5, Histories / 5); seed++)
        {
            Assert.Equal(await RunAsync(seed, Sabotage.None), await RunAsync(seed, Sabotage.None));
        }
    }

    /// <summary>The simulation is worth something: it finds out what it is there to find out.</summary>
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

    private async Task RunAsync(int histories)
    {
        var seeds = Enumerable.Range(1, histories);
        if (Environment.GetEnvironmentVariable(SeedVariable) is { Length: > 0 } chosen)
        {
            seeds = [int.Parse(chosen, CultureInfo.InvariantCulture)];
        }

        var failures = new ConcurrentDictionary<int, SimulationException>();
        await Parallel.ForEachAsync(
            seeds,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = Token },
            async (seed, _) =>
            {
                if (failures.IsEmpty)
                {
                    try
                    {
                        await Simulation.RunAsync(seed, open, Sabotage.None, Token);
                    }
                    catch (SimulationException exception)
                    {
                        failures[seed] = exception;
                    }
                }
            }
        );
        Assert.True(failures.IsEmpty, failures.OrderBy(failure => failure.Key).FirstOrDefault().Value?.Message);
    }

    // Not in the test's own context: whoever is let go on must go on at once.
    private Task<string> RunAsync(int seed, Sabotage sabotage) =>
        Task.Run(() => Simulation.RunAsync(seed, open, sabotage, Token), Token);
}
