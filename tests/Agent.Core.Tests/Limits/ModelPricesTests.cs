using Slipway.Agents.Limits;
using Slipway.Agents.Turns;

namespace Slipway.Agent.Core.Tests.Limits;

[Trait("Tier", "fast")]
public sealed class ModelPricesTests
{
    private static readonly ModelPrices Prices = new([
        new("gpt-4o*", 2.50m, 10m, 1.25m),
        new("gpt-4o-mini*", 0.15m, 0.60m),
        new("llama3:8b", 0, 0),
    ]);

    [Theory]
    [InlineData("gpt-4o-2024-11-20", 2.50 + 10)]
    [InlineData("GPT-4o-mini-2024-07-18", 0.15 + 0.60)]
    [InlineData("llama3:8b", 0)]
    [InlineData("llama3:8b-instruct", 2.50 + 10)] // unknown: as the dearest
    [InlineData(null, 2.50 + 10)]
    public void The_longest_name_that_fits_counts_and_an_unknown_one_is_the_dearest(string? model, double expected) =>
        Assert.Equal((decimal)expected, Prices.CostOf(model, new(1_000_000, 1_000_000)));

    [Fact]
    public void Cached_tokens_have_a_price_of_their_own_where_there_is_one()
    {
        TurnUsage usage = new(1_000, 10) { CachedInputTokens = 600 };

        Assert.Equal((400 * 2.50m + 600 * 1.25m + 10 * 10m) / 1_000_000, Prices.CostOf("gpt-4o", usage));
        Assert.Equal((1_000 * 0.15m + 10 * 0.60m) / 1_000_000, Prices.CostOf("gpt-4o-mini", usage));
    }

    [Fact]
    public void Without_prices_nothing_has_a_cost() => Assert.Null(new ModelPrices([]).CostOf("m", new(1, 1)));

    [Fact]
    public void Counts_add_up_and_what_nobody_said_stays_unsaid()
    {
        TurnUsage said = new(3, 4) { CachedInputTokens = 2 };

        Assert.Equal(new TurnUsage(4, 6) { CachedInputTokens = 2 }, TurnUsage.Add(said, new(1, 2)));
        Assert.Null(TurnUsage.Add(new(1, 2), new(1, 2))!.CachedInputTokens);
    }
}
