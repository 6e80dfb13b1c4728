using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Turns;

/// <summary>Turns that run by themselves, and are followed, lost and taken over. Processes are runners on one database.</summary>
public sealed class DurableTurnTests : IDisposable
{
    private readonly AgentFixture _agent = new();

    private static CancellationToken Token => AgentFixture.Cancellation;

    public void Dispose() => _agent.Dispose();

    [Fact]
    public async Task The_first_delta_is_told_at_once_and_later_ones_together()
    {
        TaskCompletionSource second = new();
        TaskCompletionSource end = new();
        await using var runner = _agent.Runner(new ScriptedChatClient((_, _) => SayAsync()));
        await using var events = await FollowAsync(runner);
        await events.UntilAsync<TextDelta>("a");

        second.SetResult();
        await events.AdvanceUntilAsync<TextDelta>(_agent, "bcd");

        end.SetResult();
        await events.UntilAsync<TurnFinished>();
        Assert.Equal(
            ["a", "bcd"],
            _agent.Query("select json_extract(data, '$.text') from turn_events where data like '%text-delta%'")
        );

        async IAsyncEnumerable<AIContent> SayAsync()
        {
            yield return new TextContent("a");
            await second.Task;
            yield return new TextContent("b");
            yield return new TextContent("c");
            yield return new TextContent("d");
            await end.Task;
        }
    }

    [Fact]
    public async Task A_slow_reader_holds_nothing_up_and_misses_nothing()
    {
        var contents = Enumerable
            .Range(0, 2_600)
            .Select(i => i % 2 == 0 ? (AIContent)new TextReasoningContent($"r{i}") : new TextContent($"t{i}"))
            .ToArray();
        await using var runner = _agent.Runner(new ScriptedChatClient(Say(contents)));
        await using var slow = await FollowAsync(runner);
        Assert.True(await slow.MoveNextAsync()); // and reads no further

        while ((await _agent.Conversations.FindLastTurnAsync(Principal.Local, "c1", Token))!.FinishedAt is null) { }

        List<LoggedTurnEvent> seen = [slow.Current];
        while (await slow.MoveNextAsync())
        {
            seen.Add(slow.Current);
        }

        Assert.Equal(Enumerable.Range(1, seen.Count), seen.Select(logged => (int)logged.Sequence));
        Assert.Equal(
            string.Concat(contents.OfType<TextContent>().Select(text => text.Text)),
            seen.Select(logged => logged.Event!).Text()
        );
        Assert.True(seen.Count > 2_600);
    }

    [Fact]
    public async Task Of_a_tool_that_had_begun_the_model_is_told_that_nobody_knows_and_the_first_owner_writes_nothing_more()
    {
        TaskCompletionSource<string> paying = new();
        TaskCompletionSource begun = new();
        var payments = 0;
        _agent.Tools.Add(
            AIFunctionFactory.Create(
                () =>
                {
                    payments++;
                    begun.TrySetResult();
                    return paying.Task;
                },
                "pay"
            )
        );
        await using var first = _agent.Runner(new ScriptedChatClient(Call("pay"), Say("Paid.")));
        var started = await first.StartAsync(Ask(), Token);
        await begun.Task.WaitAsync(Token);
        Lose();
        ScriptedChatClient model = new(Say("I do not know."));
        await using var second = _agent.Runner(model);

        Assert.Equal(1, await second.RecoverAsync(Token));
        var events = await second.FollowAsync(Principal.Local, started.TurnId, 0, Token).ToListAsync(Token);
        paying.SetResult("paid");
        var seenByFirst = await first.FollowAsync(Principal.Local, started.TurnId, 0, Token).ToListAsync(Token);

        var result = Assert.Single(model.Calls[0].Messages[^1].Contents.OfType<FunctionResultContent>());
        Assert.Contains("not known", $"{result.Result}", StringComparison.Ordinal);
        Assert.Equal(1, payments);
        Assert.Equal(events, seenByFirst, (a, b) => a.Sequence == b.Sequence && $"{a.Event}" == $"{b.Event}");
        Assert.Equal(
            ["user", "assistant", "tool", "assistant"],
            (await _agent.StoredAsync()).Select(message => message.Message.Role.Value)
        );
        Assert.Equal("I do not know.", (await _agent.StoredAsync())[^1].Message.Text);
    }

    [Fact]
    public async Task A_message_to_a_conversation_whose_turn_was_lost_closes_that_turn_and_keeps_what_it_said()
    {
        await using var first = _agent.Runner(new ScriptedChatClient(SayThenHang("Half")));
        await using var events = await FollowAsync(first);
        await events.UntilAsync<TextDelta>("Half");
        Lose();

        var answer = await _agent.RunAsync(new ScriptedChatClient(Say("New.")), "Never mind.");

        Assert.Equal(TurnStatus.Completed, answer.End().Status);
        Assert.Equal(
            [
                ("go", TurnStatus.Interrupted),
                ("Half", TurnStatus.Interrupted),
                ("Never mind.", TurnStatus.Completed),
                ("New.", TurnStatus.Completed),
            ],
            (await _agent.StoredAsync()).Select(message => (message.Message.Text, message.TurnStatus!.Value))
        );
    }

    [Fact]
    public async Task A_stop_that_came_while_nobody_ran_the_turn_ends_it()
    {
        await using var first = _agent.Runner(new ScriptedChatClient(SayThenHang("Half")));
        await using var events = await FollowAsync(first);
        await events.UntilAsync<TextDelta>("Half");
        Lose();
        await using var second = _agent.Runner(new ScriptedChatClient(Say("more")));

        Assert.True(await second.StopAsync(Principal.Local, "c1", Token));
        await second.RecoverAsync(Token);

        Assert.Equal(
            [("go", TurnStatus.Cancelled), ("Half", TurnStatus.Cancelled)],
            (await _agent.StoredAsync()).Select(message => (message.Message.Text, message.TurnStatus!.Value))
        );
        Assert.False(await second.StopAsync(Principal.Local, "c1", Token));
    }

    [Fact]
    public async Task Numbers_of_citations_go_on_where_the_first_owner_was_lost()
    {
        _agent.Documents["d"] = (1, "Red apples. Green pears.");
        _agent.AddSearch(("d", "Red apples."), ("d", "Green pears."));
        await using var first = _agent.Runner(
            new ScriptedChatClient(
                Call("search_knowledge", new { query = "q" }),
                SayThenHang("Red [[p1: \"Red apples\"]] and")
            )
        );
        await using var events = await FollowAsync(first);
        await events.UntilAsync<TextDelta>();
        await events.AdvanceUntilAsync<CitationAdded>(_agent);
        Lose();
        ScriptedChatClient model = new(Say(" green [[p2: \"Green pears\"]]."));
        await using var second = _agent.Runner(model);
        await second.RecoverAsync(Token);
        var turn = await _agent.Conversations.FindLastTurnAsync(Principal.Local, "c1", Token);

        var all = await second.FollowAsync(Principal.Local, turn!.Id, 0, Token).ToListAsync(Token);

        Assert.Equal("Red [1] and green [2].", all.Select(logged => logged.Event!).Text());
        Assert.Equal(
            [(1, "Red apples", true), (2, "Green pears", true)],
            all.Select(logged => logged.Event!)
                .Citations()
                .Select(citation => (citation.Number, citation.Quote!, citation.Verified))
        );
        Assert.Equal("Red [[p1]] and", model.Calls[0].Messages[^2].Text); // the model sees markers, as it wrote them
    }

    /// <summary>As if the process that runs the turn had stood still for too long.</summary>
    private void Lose() => _agent.Query("update turns set lease_expires_at = 0");

    private static TurnRequest Ask() =>
        new()
        {
            Principal = Principal.Local,
            ConversationId = "c1",
            Messages = [new(ChatRole.User, "go")],
        };

    private static async Task<IAsyncEnumerator<LoggedTurnEvent>> FollowAsync(TurnRunner runner)
    {
        var started = await runner.StartAsync(Ask(), Token);
        return runner.FollowAsync(Principal.Local, started.TurnId, 0, Token).GetAsyncEnumerator(Token);
    }
}

internal static class Followed
{
    public static async Task UntilAsync<T>(this IAsyncEnumerator<LoggedTurnEvent> events, string? text = null)
        where T : TurnEvent
    {
        while (await events.MoveNextAsync())
        {
            if (events.Current.Event is T happened && (text is null || (happened as TextDelta)?.Text == text))
            {
                return;
            }
        }

        Assert.Fail($"There was no {typeof(T).Name} {text}.");
    }

    /// <summary>The same while time passes, little by little.</summary>
    public static async Task AdvanceUntilAsync<T>(
        this IAsyncEnumerator<LoggedTurnEvent> events,
        AgentFixture agent,
        string? text = null
    )
        where T : TurnEvent
    {
        var until = events.UntilAsync<T>(text);
        while (!until.IsCompleted)
        {
            AgentFixture.Cancellation.ThrowIfCancellationRequested();
            agent.Time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }

        await until;
    }
}
