using Slipway.Agents.Turns;

namespace Slipway.Agents.Limits;

/// <summary>What one turn may use, and what it has used.</summary>
/// <remarks>Safe for concurrent use.</remarks>
/// <param name="maxTokens">Input and output tokens of all its model calls; null for no limit.</param>
/// <param name="maxCost">Their cost; null for no limit.</param>
/// <param name="prices">The prices behind the cost; null for none.</param>
public sealed class TurnBudget(long? maxTokens = null, decimal? maxCost = null, ModelPrices? prices = null)
{
    private readonly Lock _lock = new();
    private Spend _used;

    /// <summary>What was used so far.</summary>
    public Spend Used
    {
        get
        {
            lock (_lock)
            {
                return _used;
            }
        }
    }

    /// <summary>Adds what a model call used.</summary>
    /// <param name="model">The model that answered; null when it did not say.</param>
    /// <param name="usage">Its tokens.</param>
    public void Add(string? model, TurnUsage usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        Add(new Spend(usage.InputTokens + usage.OutputTokens, prices?.CostOf(model, usage) ?? 0));
    }

    internal void Add(Spend used)
    {
        lock (_lock)
        {
            _used += used;
        }
    }

    /// <summary>Whether there is any limit.</summary>
    internal bool IsLimited => maxTokens is not null || maxCost is not null;

    /// <summary>How many tokens a model may answer with behind an input of this size; null for any number.</summary>
    internal long? OutputFor(string? model, long inputTokens)
    {
        var used = Used;
        var byTokens = maxTokens - used.Tokens - inputTokens;
        var byCost = maxCost is { } cost ? prices?.OutputFor(model, inputTokens, cost - used.Cost) : null;
        return byTokens is null ? byCost
            : byCost is null ? byTokens
            : Math.Min(byTokens.Value, byCost.Value);
    }
}

/// <summary>A turn has used what it may use. What was said before stays.</summary>
public sealed class BudgetExhaustedException : SlipwayException
{
    internal BudgetExhaustedException()
        : base(
            ErrorClass.Permanent,
            "The answer has used up what one answer may use, so it ends here.",
            "Ask for less at once, or raise Limits:TokensPerTurn or Limits:CostPerTurn."
        ) { }
}
