namespace Slipway.Rag.Testing;

/// <summary>What befalls a call, or the process that makes it.</summary>
internal enum Fault
{
    None,

    /// <summary>The effect takes place, and the others go on before its caller knows.</summary>
    Late,

    /// <summary>An error instead of the effect.</summary>
    Refused,

    /// <summary>An error after the effect.</summary>
    LostReply,

    CrashBefore,
    CrashAfter,

    /// <summary>The process stands still, longer than what it holds lasts.</summary>
    PauseBefore,

    PauseAfter,
}

/// <summary>What goes wrong, and how long everything takes, drawn from the seed.</summary>
/// <param name="random">Of the seed.</param>
internal sealed class Faults(Random random)
{
    private static readonly Fault[] All =
    [
        Fault.Refused,
        Fault.LostReply,
        Fault.CrashBefore,
        Fault.CrashAfter,
        Fault.PauseBefore,
        Fault.PauseAfter,
    ];

    // Some histories are nearly quiet: what goes wrong late must be reached.
    private readonly double _share = new[] { 0.02, 0.06, 0.12 }[random.Next(3)];

    public bool Ended { get; set; }

    public Fault Strike(ParkedCall call) =>
        Ended || call.Name == SimulatedWorker.Begin ? Fault.None
        : random.NextDouble() < _share ? All[random.Next(call.IsRenewal ? 2 : All.Length)]
        : !call.IsRenewal && random.Next(6) == 0 ? Fault.Late
        : Fault.None;

    /// <summary>How long a call takes: mostly next to nothing, now and then longer than a claim lasts.</summary>
    public TimeSpan Duration(ParkedCall call) =>
        TimeSpan.FromMilliseconds(
            call.Name == SimulatedWorker.Begin ? random.Next(1, 60_000)
            : Ended ? 1
            : random.Next(25) switch
            {
                0 => random.Next(5_000, 150_000),
                < 5 => random.Next(200, 5_000),
                _ => random.Next(1, 200),
            }
        );

    public TimeSpan Pause() => TimeSpan.FromSeconds(random.Next(5, 240));

    public SlipwayException Error() =>
        new(ErrorClass.Transient, "Simulated.")
        {
            RetryAfter = random.Next(4) == 0 ? TimeSpan.FromSeconds(random.Next(1, 600)) : null,
        };
}
