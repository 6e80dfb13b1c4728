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
}
