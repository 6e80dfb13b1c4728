namespace Slipway.Agents.Limits;

/// <summary>What a user may ask for. What is null is not limited.</summary>
public sealed record TurnLimits
{
    /// <summary>Value of <see cref="Requests"/> unless set: 5.</summary>
    public const int DefaultRequests = 5;

    /// <summary>Value of <see cref="Window"/> unless set: 60 seconds.</summary>
    public static readonly TimeSpan DefaultWindow = TimeSpan.FromSeconds(60);

    /// <summary>Value of <see cref="ConcurrentTurns"/> unless set: 5.</summary>
    public const int DefaultConcurrentTurns = 5;

    /// <summary>How many turns may begin within <see cref="Window"/>. Default 5.</summary>
    public int? Requests { get; init; } = DefaultRequests;

    /// <summary>The time that <see cref="Requests"/> are counted in: the last 60 seconds unless set.</summary>
    public TimeSpan Window { get; init; } = DefaultWindow;

    /// <summary>How many turns may run at the same time. Default 5.</summary>
    public int? ConcurrentTurns { get; init; } = DefaultConcurrentTurns;

    /// <summary>Tokens of one turn, input and output of all its model calls. A turn reserves them before it begins. Default null.</summary>
    public long? TokensPerTurn { get; init; }

    /// <summary>Tokens of all turns of a day, which begins at midnight UTC. It needs <see cref="TokensPerTurn"/>. Default null.</summary>
    public long? TokensPerDay { get; init; }

    /// <summary>Cost of one turn, in the currency of the prices. A turn reserves it before it begins. Default null.</summary>
    public decimal? CostPerTurn { get; init; }

    /// <summary>Cost of all turns of a day, which begins at midnight UTC. It needs <see cref="CostPerTurn"/>. Default null.</summary>
    public decimal? CostPerDay { get; init; }
}
