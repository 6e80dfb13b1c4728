using Microsoft.Extensions.AI;
using Slipway.Agents.Limits;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Limits;

[Trait("Tier", "fast")]
public sealed class BudgetChatClientTests
{
    private static readonly ModelPrices Prices = new([new("scripted", 1m, 10m)]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_model_tells_is_counted()
    {
        TurnBudget budget = new(prices: Prices);
        using BudgetChatClient model = new(
            new ScriptedChatClient(Say(new TextContent("Hello"), Usage(100, 20)), Say("x")),
            budget
        );

        await model.GetResponseAsync("Hi", cancellationToken: Cancellation);

        Assert.Equal(new(120, (100 * 1m + 20 * 10m) / 1_000_000), budget.Used);
    }

    [Fact]
    public async Task An_answer_may_be_as_long_as_what_is_left()
    {
        ScriptedChatClient inner = new(
            Say(new TextContent("a"), Usage(30, 500)),
            Say(new TextContent("b"), Usage(40, 100))
        );
        using BudgetChatClient model = new(inner, new(1_000));

        await model.GetResponseAsync("Hi", new() { MaxOutputTokens = 200 }, Cancellation);
        await model.GetResponseAsync("Hi", cancellationToken: Cancellation);

        Assert.Equal(200, inner.Calls[0].Options!.MaxOutputTokens); // the caller's own is the smaller one
        Assert.InRange(inner.Calls[1].Options!.MaxOutputTokens!.Value, 400, 470 - 1);
    }

    [Fact]
    public async Task Money_bounds_an_answer_as_well()
    {
        ScriptedChatClient inner = new(Say("ok"));
        using BudgetChatClient model = new(inner, new(maxCost: 0.001m, prices: Prices));

        await model.GetResponseAsync("Hi", new() { ModelId = "scripted" }, Cancellation);

        Assert.InRange(inner.Calls[0].Options!.MaxOutputTokens!.Value, 90, 100); // a ten-thousandth of a million, less the input
    }

    [Fact]
    public async Task A_call_that_does_not_fit_is_not_made()
    {
        ScriptedChatClient inner = new(Say("ok"));
        using BudgetChatClient model = new(inner, new(1_000));

        await Assert.ThrowsAsync<BudgetExhaustedException>(() =>
            model.GetResponseAsync(new string('x', 3_000), cancellationToken: Cancellation)
        );
        await Assert.ThrowsAsync<BudgetExhaustedException>(() =>
            model.GetResponseAsync(
                "Hi",
                new() { Tools = [AIFunctionFactory.Create(() => 1, "one", new string('x', 3_000))] },
                Cancellation
            )
        );

        Assert.Empty(inner.Calls);
    }

    [Fact]
    public async Task An_answer_that_the_budget_cut_off_is_said_and_then_ends_so()
    {
        using BudgetChatClient model = new(new LengthClient(), new(1_000));
        List<string> said = [];

        await Assert.ThrowsAsync<BudgetExhaustedException>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation))
            {
                said.Add(update.Text);
            }
        });

        Assert.Equal(["Cut off in the mid"], said);
    }

    [Fact]
    public async Task An_answer_that_its_own_limit_cut_off_is_none_of_the_budgets()
    {
        using BudgetChatClient model = new(new LengthClient(), new(1_000));

        var answer = await model.GetResponseAsync("Hi", new() { MaxOutputTokens = 20 }, Cancellation);

        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
    }

    [Fact]
    public async Task Stopping_in_the_middle_saves_nobody_from_being_counted()
    {
        TurnBudget budget = new(1_000);
        using CancellationTokenSource stop = new();
        using BudgetChatClient model = new(new ScriptedChatClient(SayThenHang(new string('x', 300))), budget);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (
                var _ in model.GetStreamingResponseAsync(new string('y', 600), cancellationToken: stop.Token)
            )
            {
                await stop.CancelAsync();
            }
        });

        Assert.InRange(budget.Used.Tokens, 300, 320);
    }

    [Fact]
    public async Task Leaving_in_the_middle_saves_nobody_either()
    {
        TurnBudget budget = new(1_000);
        using BudgetChatClient model = new(new ScriptedChatClient(Say(new string('x', 300), "more")), budget);

        await foreach (var _ in model.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation))
        {
            break;
        }

        Assert.InRange(budget.Used.Tokens, 100, 120);
    }

    [Fact]
    public async Task A_call_that_was_refused_costs_nothing()
    {
        TurnBudget budget = new(1_000);
        using BudgetChatClient model = new(new ScriptedChatClient(SayThenFail("", new IOException("no"))), budget);

        await Assert.ThrowsAsync<IOException>(() => model.GetResponseAsync("Hi", cancellationToken: Cancellation));

        Assert.Equal(default, budget.Used);
    }

    private static UsageContent Usage(long input, long output) =>
        new(new() { InputTokenCount = input, OutputTokenCount = output });

    private sealed class LengthClient : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            await Task.Yield();
            yield return new(ChatRole.Assistant, "Cut off in the mid") { FinishReason = ChatFinishReason.Length };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
