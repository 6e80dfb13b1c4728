namespace Slipway.Agents.Limits;

/// <summary>A limit of the user's is reached; <see cref="SlipwayException.RetryAfter"/> says when another attempt makes sense.</summary>
public sealed class LimitExceededException : SlipwayException
{
    /// <summary>Creates the error.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="message">What is reached.</param>
    /// <param name="retryAfter">When another attempt makes sense.</param>
    public LimitExceededException(TurnLimit limit, string message, TimeSpan retryAfter)
        : base(ErrorClass.Transient, message, "Try again later.")
    {
        Limit = limit;
        RetryAfter = retryAfter;
    }

    /// <summary>The limit that is reached.</summary>
    public TurnLimit Limit { get; }
}

/// <summary>The limits of turns.</summary>
public enum TurnLimit
{
    /// <summary><see cref="TurnLimits.Requests"/>.</summary>
    Requests,

    /// <summary><see cref="TurnLimits.ConcurrentTurns"/>.</summary>
    ConcurrentTurns,

    /// <summary><see cref="TurnLimits.TokensPerDay"/>.</summary>
    TokensPerDay,

    /// <summary><see cref="TurnLimits.CostPerDay"/>.</summary>
    CostPerDay,
}
