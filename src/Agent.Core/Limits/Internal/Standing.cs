using System.Globalization;

namespace Slipway.Agents.Limits.Internal;

/// <summary>How a user stands at the moment of asking, as a store has read it under the user's lock.</summary>
internal sealed record Standing
{
    // Somebody else's turn ends sooner or later, and nobody knows when.
    private static readonly TimeSpan WhileOthersRun = TimeSpan.FromSeconds(5);

    public required DateTimeOffset Now { get; init; }

    /// <summary>Turns that began within the window.</summary>
    public required long Requests { get; init; }

    /// <summary>When the first of them began.</summary>
    public required DateTimeOffset? FirstRequest { get; init; }

    public required DayUsage Today { get; init; }

    /// <summary>Whether another turn may begin; the engines only count.</summary>
    /// <exception cref="LimitExceededException">It may not.</exception>
    public void Admit(TurnLimits limits)
    {
        if (limits.Requests is { } requests && Requests >= requests)
        {
            throw new LimitExceededException(
                TurnLimit.Requests,
                $"You may ask {requests} times in {Seconds(limits.Window)} seconds.",
                AtLeastASecond((FirstRequest ?? Now) + limits.Window - Now)
            );
        }

        if (limits.ConcurrentTurns is { } turns && Today.RunningTurns >= turns)
        {
            throw new LimitExceededException(
                TurnLimit.ConcurrentTurns,
                $"You have {Today.RunningTurns} answers under way, and at most {turns} are made at the same time.",
                WhileOthersRun
            );
        }

        if (limits.TokensPerDay is { } tokens && limits.TokensPerTurn is { } turnTokens)
        {
            Afford(TurnLimit.TokensPerDay, "tokens", Today.Used.Tokens, Today.Reserved.Tokens, turnTokens, tokens);
        }

        if (limits.CostPerDay is { } cost && limits.CostPerTurn is { } turnCost)
        {
            Afford(TurnLimit.CostPerDay, "money", Today.Used.Cost, Today.Reserved.Cost, turnCost, cost);
        }
    }

    /// <summary>
    /// Whether a turn may go on that was let in before. It has been counted as a request; what it had reserved may be another's by now.
    /// </summary>
    /// <exception cref="LimitExceededException">It may not.</exception>
    public void AdmitAgain(TurnLimits limits, bool isLive)
    {
        if (!isLive)
        {
            Admit(limits with { Requests = null });
        }
    }

    private void Afford(TurnLimit limit, string what, decimal used, decimal reserved, decimal turn, decimal day)
    {
        if (used + turn > day)
        {
            throw new LimitExceededException(
                limit,
                $"Your budget of {what} for today is used up: what is left does not cover another answer.",
                AtLeastASecond(new DateTimeOffset(Now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero) - Now)
            );
        }

        if (used + reserved + turn > day)
        {
            throw new LimitExceededException(
                limit,
                $"What is left of your budget of {what} for today is kept for answers that are under way.",
                WhileOthersRun
            );
        }
    }

    private static TimeSpan AtLeastASecond(TimeSpan time) =>
        time < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : time;

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);
}
