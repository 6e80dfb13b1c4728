using Microsoft.Extensions.AI;
using Slipway.Agents.Models;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Models;

public sealed class LoopGuardChatClientTests : IDisposable
{
    private const string Warning = "Do not make it again";
    private readonly AgentFixture _agent = new();
    private int _runs;

    public LoopGuardChatClientTests() =>
        _agent.Tools.Add(
            AIFunctionFactory.Create(
                (string query, int count = 1) =>
                {
                    Interlocked.Increment(ref _runs);
                    return $"nothing about {query} and {count}";
                },
                "look_up"
            )
        );

    public void Dispose() => _agent.Dispose();

    [Fact]
    public async Task A_turn_that_goes_in_circles_is_told_and_then_ended_with_what_was_said()
    {
        var calls = 0;
        ScriptedChatClient model = new(
            (_, _) =>
                Say(
                    new TextContent("I look. "),
                    // The same arguments, written in another order.
                    new FunctionCallContent(
                        $"call-{++calls}",
                        "look_up",
                        calls % 2 == 0
                            ? new Dictionary<string, object?> { ["query"] = "x", ["count"] = 2 }
                            : new Dictionary<string, object?> { ["count"] = 2, ["query"] = "x" }
                    )
                )([], default)
        );

        var events = await _agent.RunAsync(new LoopGuardChatClient(model), "Look it up");

        Assert.Equal(3, _runs);
        Assert.Equal([false, false, false, true], model.Calls.Select(IsWarned));
        var failed = Assert.Single(events.OfType<TurnFailed>());
        Assert.Contains("'look_up' again with the same arguments", failed.Message, StringComparison.Ordinal);
        Assert.Equal(TurnStatus.Failed, events.End().Status);
        var stored = await _agent.StoredAsync();
        Assert.Equal(4, stored.Count(message => message.Message.Text.Contains("I look.", StringComparison.Ordinal)));
        Assert.DoesNotContain(
            stored,
            message => message.Message.Contents.OfType<FunctionResultContent>().Any(IsWarning)
        );
    }

    [Fact]
    public async Task A_model_that_heeds_the_warning_answers()
    {
        ScriptedChatClient model = new(
            Call("look_up", new { query = "x" }, "c1"),
            Call("look_up", new { query = "x" }, "c2"),
            Call("look_up", new { query = "y" }, "c3"),
            Say("Found nothing.")
        );

        var events = await _agent.RunAsync(new LoopGuardChatClient(model, 2), "Look it up");

        Assert.Equal(TurnStatus.Completed, events.End().Status);
        Assert.Equal([false, false, true, true], model.Calls.Select(IsWarned));
    }

    [Fact]
    public async Task Another_question_counts_anew()
    {
        ScriptedChatClient model = new(
            Call("look_up", new { query = "x" }, "c1"),
            Say("Nothing."),
            Call("look_up", new { query = "x" }, "c2"),
            Say("Still nothing.")
        );
        LoopGuardChatClient guarded = new(model, 1);

        await _agent.RunAsync(guarded, "Look it up");
        var events = await _agent.RunAsync(guarded, "And again");

        Assert.Equal(TurnStatus.Completed, events.End().Status);
        Assert.Equal(2, _runs);
    }

    [Fact]
    public async Task It_serves_pipelines_without_turns()
    {
        using LoopGuardChatClient model = new(new ScriptedChatClient(Call("look_up", new { query = "x" }, "c9")), 1);
        ChatMessage[] messages =
        [
            new(ChatRole.User, "Look it up"),
            new(
                ChatRole.Assistant,
                [new FunctionCallContent("c1", "look_up", new Dictionary<string, object?> { ["query"] = "x" })]
            ),
            new(ChatRole.Tool, [new FunctionResultContent("c1", "nothing")]),
        ];

        var error = await Assert.ThrowsAsync<ToolLoopException>(() =>
            model.GetResponseAsync(messages, cancellationToken: AgentFixture.Cancellation)
        );

        Assert.Equal("look_up", error.Tool);
        Assert.Equal("nothing", ((FunctionResultContent)messages[2].Contents[0]).Result); // the caller's stay as they are
    }

    private static bool IsWarned(ScriptedCall call) =>
        call.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Any(IsWarning);

    private static bool IsWarning(FunctionResultContent result) =>
        result.Result?.ToString()?.Contains(Warning, StringComparison.Ordinal) == true;
}
