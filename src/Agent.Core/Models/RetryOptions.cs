namespace Slipway.Agents.Models;

/// <summary>How a <see cref="RetryingChatClient"/> tries again.</summary>
public sealed record RetryOptions
{
    /// <summary>Value of <see cref="MaxRetries"/> unless set: 3.</summary>
    public const int DefaultMaxRetries = 3;

    /// <summary>Value of <see cref="BaseDelay"/> unless set: half a second.</summary>
    public static readonly TimeSpan DefaultBaseDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>Value of <see cref="MaxDelay"/> unless set: 20 seconds. Somebody waits for the answer.</summary>
    public static readonly TimeSpan DefaultMaxDelay = TimeSpan.FromSeconds(20);

    /// <summary>How often a call is made again, 0 for never.</summary>
    public int MaxRetries { get; init; } = DefaultMaxRetries;

    /// <summary>
    /// The longest first wait; each later one may be twice as long. The wait is a random time between half of it and all of it, so that
    /// callers who failed together do not come back together.
    /// </summary>
    public TimeSpan BaseDelay { get; init; } = DefaultBaseDelay;

    /// <summary>The longest wait. An endpoint that asks for more (Retry-After) is not called again: its error goes to the caller.</summary>
    public TimeSpan MaxDelay { get; init; } = DefaultMaxDelay;

    /// <summary>
    /// Which failures may pass; null for those of the class <see cref="ErrorClass.Transient"/> and the network's. Time-outs are never
    /// tried again: the caller has waited already.
    /// </summary>
    public Func<Exception, bool>? ShouldRetry { get; init; }
}
