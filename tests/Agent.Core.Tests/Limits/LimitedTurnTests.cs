using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Limits;

public sealed class LimitedTurnTests : IDisposable
{
    private static readonly Principal Eve = new("default", "eve");
    private readonly AgentFixture _agent = new();

    public void Dispose() => _agent.Dispose();

    [Fact]
    [Trait("Parity", "S19")]
    [Trait("Parity", "S21")]
    public async Task A_turn_too_many_is_refused_before_anything_is_stored()
    {
        _agent.Limits = new() { Requests = 2 };
        ScriptedChatClient model = new(Say("ok"));
        await _agent.RunAsync(model, "one");
        await _agent.RunAsync(model, "two", conversation: null); // stateless ones count as well

        // Neither deleting nor breaking off makes one uncounted.
        await _agent.Conversations.DeleteAsync(Principal.Local, "c1", AgentFixture.Cancellation);
        var refused = await Assert.ThrowsAsync<LimitExceededException>(() => _agent.RunAsync(model, "three", "c3"));

        Assert.Equal(TurnLimit.Requests, refused.Limit);
        Assert.Equal(2, model.Calls.Count);
        Assert.Null(await _agent.Conversations.FindAsync(Principal.Local, "c3", AgentFixture.Cancellation));
        await _agent.RunAsync(model, "mine", "c4", Eve);
        _agent.Time.Advance(TimeSpan.FromSeconds(61));
        await _agent.RunAsync(model, "three", "c3");
    }

    [Fact]
    [Trait("Parity", "S21")]
    public async Task Asking_for_what_is_anothers_counts_and_holds_no_place()
    {
        _agent.Limits = new() { Requests = 2, ConcurrentTurns = 1 };
        ScriptedChatClient model = new(Say("ok"));
        await _agent.RunAsync(model, "mine");

        await Assert.ThrowsAsync<ConversationNotFoundException>(() => _agent.RunAsync(model, "mine?", "c1", Eve));
        await _agent.RunAsync(model, "my own", "c2", Eve);

        await Assert.ThrowsAsync<LimitExceededException>(() => _agent.RunAsync(model, "more", "c2", Eve));
    }

    [Fact]
    public async Task A_turn_that_uses_up_its_budget_ends_so_and_keeps_what_was_said()
    {
        _agent.AddTool("look_up", () => "found");
        _agent.Limits = new() { TokensPerTurn = 2_000, TokensPerDay = 10_000 };
        ScriptedChatClient model = new(
            Say(
                new TextContent("I look it up. "),
                new FunctionCallContent("c1", "look_up"),
                new UsageContent(new() { InputTokenCount = 900, OutputTokenCount = 1_000 })
            ),
            Say("Never said.")
        );

        var events = await _agent.RunAsync(model, "Look it up");

        Assert.Equal(TurnStatus.BudgetExhausted, events.End().Status);
        Assert.Empty(events.OfType<TurnFailed>());
        Assert.Single(model.Calls);
        Assert.Contains(
            await _agent.StoredAsync(),
            message => message.Message.Text.StartsWith("I look it up.", StringComparison.Ordinal)
        );
        Assert.Equal(
            new(new(1_900, 0), default, 0),
            await _agent.LimitStore.ReadTodayAsync(Principal.Local, AgentFixture.Cancellation)
        );
    }

    [Fact]
    public async Task However_a_turn_ends_it_is_settled()
    {
        _agent.Limits = new()
        {
            Requests = null,
            TokensPerTurn = 2_000,
            TokensPerDay = 10_000,
        };
        UsageContent usage = new(new() { InputTokenCount = 10, OutputTokenCount = 5 });

        await _agent.RunAsync(new ScriptedChatClient(Say(new TextContent("ok"), usage)), "one");
        await _agent.RunAsync(new ScriptedChatClient(SayThenFail("Half", new IOException("cut"))), "two");
        await foreach (
            var happened in _agent
                .Runner(new ScriptedChatClient(SayThenHang("Half")))
                .RunAsync(
                    new()
                    {
                        Principal = Principal.Local,
                        ConversationId = "c1",
                        Messages = [new(ChatRole.User, "three")],
                    },
                    AgentFixture.Cancellation
                )
        )
        {
            if (happened is TextDelta)
            {
                break;
            }
        }

        var today = await _agent.LimitStore.ReadTodayAsync(Principal.Local, AgentFixture.Cancellation);
        Assert.Equal((default, 0), (today.Reserved, today.RunningTurns));
        Assert.True(today.Used.Tokens > 15); // those that broke off are estimated
    }

    [Fact]
    public async Task What_a_step_used_is_noted_before_the_next_begins()
    {
        _agent.AddTool("look_up", () => "found");
        _agent.Limits = new() { TokensPerTurn = 100_000, TokensPerDay = 200_000 };
        DayUsage? seen = null;
        ScriptedChatClient model = new(
            Say(
                new FunctionCallContent("c1", "look_up"),
                new UsageContent(new() { InputTokenCount = 900, OutputTokenCount = 100 })
            ),
            (_, _) => Seen()
        );

        await _agent.RunAsync(model, "Look it up");

        Assert.Equal(new(new(1_000, 0), new(99_000, 0), 1), seen);

        async IAsyncEnumerable<AIContent> Seen()
        {
            seen = await _agent.LimitStore.ReadTodayAsync(Principal.Local, AgentFixture.Cancellation);
            yield return new TextContent("Found.");
        }
    }

    [Fact]
    public async Task A_long_answer_keeps_its_reservation()
    {
        _agent.Limits = new() { TokensPerTurn = 100_000, TokensPerDay = 200_000 };
        DayUsage? seen = null;
        ScriptedChatClient model = new((_, _) => SlowAsync());

        await _agent.RunAsync(model, "Tell me all");

        Assert.Equal(1, seen!.RunningTurns);

        async IAsyncEnumerable<AIContent> SlowAsync()
        {
            for (var minute = 0; minute < 12; minute++)
            {
                _agent.Time.Advance(TimeSpan.FromMinutes(1));
                yield return new TextContent($"{minute} ");
            }

            seen = await _agent.LimitStore.ReadTodayAsync(Principal.Local, AgentFixture.Cancellation);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_turn_that_goes_on_elsewhere_has_what_is_left_and_is_settled_there(bool resumes)
    {
        _agent.AddTool("look_up", () => "found");
        _agent.Limits = new() { TokensPerTurn = 2_000, TokensPerDay = 10_000 };
        _agent.Options.ResumeTurns = resumes;
        TaskCompletionSource half = new();
        ScriptedChatClient first = new(
            Say(
                new FunctionCallContent("c1", "look_up"),
                new UsageContent(new() { InputTokenCount = 900, OutputTokenCount = 100 })
            ),
            (_, cancellation) => HalfAsync(cancellation)
        );
        ScriptedChatClient second = new(
            Say(new TextContent("Done."), new UsageContent(new() { InputTokenCount = 50, OutputTokenCount = 5 }))
        );
        await using var here = _agent.Runner(first);
        await using var elsewhere = _agent.Runner(second);
        await here.StartAsync(
            new()
            {
                Principal = Principal.Local,
                ConversationId = "c1",
                Messages = [new(ChatRole.User, "Look it up")],
            },
            AgentFixture.Cancellation
        );
        await half.Task.WaitAsync(TimeSpan.FromSeconds(30), AgentFixture.Cancellation);

        await here.DrainAsync(TimeSpan.Zero);
        var handedOver = await _agent.LimitStore.ReadTodayAsync(Principal.Local, AgentFixture.Cancellation);
        Assert.Equal(1, handedOver.RunningTurns);
        Assert.InRange(handedOver.Used.Tokens, 1_001, 1_900); // the call that was broken off counts
        Assert.Equal(1, await elsewhere.RecoverAsync(AgentFixture.Cancellation));
        await elsewhere.DrainAsync(TimeSpan.FromMinutes(1));

        var today = await _agent.LimitStore.ReadTodayAsync(Principal.Local, AgentFixture.Cancellation);
        Assert.Equal(new(new(handedOver.Used.Tokens + (resumes ? 55 : 0), 0), default, 0), today);
        Assert.Equal(
            resumes ? TurnStatus.Completed : TurnStatus.Interrupted,
            (await _agent.Conversations.FindLastTurnAsync(Principal.Local, "c1", AgentFixture.Cancellation))!.Status
        );
        Assert.All(second.Calls, call => Assert.InRange(call.Options!.MaxOutputTokens!.Value, 16, 998));

        async IAsyncEnumerable<AIContent> HalfAsync(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
        )
        {
            yield return new TextContent("Half");
            half.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }
    }

    [Fact]
    public async Task Without_the_database_nobody_is_let_in()
    {
        _agent.Limits = new();
        ScriptedChatClient model = new(Say("ok"));
        await _agent.RunAsync(model, "one");
        _agent.Execute("alter table turn_reservations rename to gone");

        await Assert.ThrowsAnyAsync<Exception>(() => _agent.RunAsync(model, "two", "c2"));

        Assert.Single(model.Calls);
        Assert.Null(await _agent.Conversations.FindAsync(Principal.Local, "c2", AgentFixture.Cancellation));
    }

    [Fact]
    public async Task Usage_tells_tokens_and_cost_by_model_and_calls_by_tool()
    {
        _agent.AddTool("look_up", () => "found");
        _agent.Options.Prices = [new("scripted", 2m, 10m, 0.5m)];
        ScriptedChatClient model = new(
            Say(
                new FunctionCallContent("c1", "look_up"),
                new FunctionCallContent("c2", "look_up"),
                new UsageContent(
                    new()
                    {
                        InputTokenCount = 100,
                        OutputTokenCount = 7,
                        CachedInputTokenCount = 60,
                    }
                )
            ),
            Say(new TextContent("ok"), new UsageContent(new() { InputTokenCount = 50, OutputTokenCount = 3 }))
        );

        await _agent.RunAsync(model, "Look it up");

        Assert.Equal(
            ["scripted 100 7 60 180000", "scripted 50 3 - 130000"],
            _agent.Query(
                """
                select model || ' ' || input_tokens || ' ' || output_tokens || ' ' || coalesce(cached_input_tokens, '-') || ' ' || cost
                from usage where kind = 'chat' and user_id = 'local' order by id
                """
            )
        );
        Assert.Equal(
            ["look_up 2"],
            _agent.Query("select tool || ' ' || count(*) from usage where kind = 'tool' group by tool")
        );
    }
}
