using Slipway.Agents.Turns;

namespace Slipway.Agents.Limits;

/// <summary>What a model costs, per million tokens, in whatever currency the limits are in.</summary>
/// <param name="Model">
/// The model's name as it answers; with <c>*</c> at the end for every name that begins so, such as <c>gpt-4o-mini*</c> for its dated
/// releases.
/// </param>
/// <param name="Input">Price of a million input tokens.</param>
/// <param name="Output">Price of a million output tokens, reasoning included.</param>
/// <param name="CachedInput">Price of a million input tokens that the provider had cached; null for <paramref name="Input"/>.</param>
public sealed record ModelPrice(string Model, decimal Input, decimal Output, decimal? CachedInput = null)
{
    private const decimal Million = 1_000_000;

    internal bool IsFor(string model) =>
        Model.EndsWith('*')
            ? model.StartsWith(Model[..^1], StringComparison.OrdinalIgnoreCase)
            : model.Equals(Model, StringComparison.OrdinalIgnoreCase);

    internal decimal Of(TurnUsage usage)
    {
        var cached = Math.Clamp(usage.CachedInputTokens ?? 0, 0, usage.InputTokens);
        return ((usage.InputTokens - cached) * Input + cached * (CachedInput ?? Input) + usage.OutputTokens * Output)
            / Million;
    }

    internal long OutputFor(long inputTokens, decimal amount)
    {
        var rest = amount - inputTokens * Input / Million;
        return rest < 0 ? -1
            : Output == 0 ? long.MaxValue
            : (long)Math.Min(rest * Million / Output, long.MaxValue);
    }
}

/// <summary>The prices of models.</summary>
/// <remarks>Immutable and safe to share. There is no list of prices inside: one would be wrong before long.</remarks>
/// <param name="prices">The prices. Of several that fit, the longest name counts.</param>
public sealed class ModelPrices(IEnumerable<ModelPrice> prices)
{
    private readonly ModelPrice[] _prices = [.. prices.OrderByDescending(price => price.Model.Length)];

    /// <summary>What tokens cost.</summary>
    /// <param name="model">The model that answered; null when it did not say.</param>
    /// <param name="usage">The tokens.</param>
    /// <returns>
    /// The cost; null when no price is known at all. A model without a price of its own costs what the dearest one does: a budget must not
    /// be got round by a name.
    /// </returns>
    public decimal? CostOf(string? model, TurnUsage usage)
    {
        ArgumentNullException.ThrowIfNull(usage);
        return Find(model) is { } price ? price.Of(usage)
            : _prices.Length == 0 ? null
            : _prices.Max(price => price.Of(usage));
    }

    /// <summary>How many output tokens an amount buys behind an input of this size; negative when it does not even buy that.</summary>
    internal long OutputFor(string? model, long inputTokens, decimal amount) =>
        Find(model) is { } price ? price.OutputFor(inputTokens, amount)
        : _prices.Length == 0 ? long.MaxValue
        : _prices.Min(price => price.OutputFor(inputTokens, amount));

    private ModelPrice? Find(string? model) => model is null ? null : Array.Find(_prices, price => price.IsFor(model));
}
