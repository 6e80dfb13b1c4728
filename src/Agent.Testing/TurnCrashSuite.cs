using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Conversations;
using Slipway.Agents.Testing.Internal;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

/// <summary>
/// A process ends at any of the calls by which it stores a turn, and another one goes on: whoever follows sees each event once, no tool
/// that is not idempotent runs twice, and the conversation opens.
/// </summary>
/// <param name="open">Opens the store under test.</param>
public abstract class TurnCrashSuite(OpenConversationStore open) : IAsyncLifetime
{
    private const int MostCalls = 100;

    private static readonly Principal Ada = new("t1", "ada");

    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly AgentOptions _options = new();
    private ConversationStoreFixture? _fixture;

    /// <summary>The store under test.</summary>
    protected ConversationStoreFixture Fixture =>
        _fixture ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Makes the database.</summary>
    public virtual async ValueTask InitializeAsync() => _fixture = await open(_time, Cancellation);

    /// <summary>Removes it.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_fixture is not null)
        {
            await _fixture.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_turn_is_resumed_after_whichever_call_its_process_has_ended(bool commits)
    {
        var crashes = 0;
        for (var call = 1; await CrashAsync($"c{call}", call, commits); call++)
        {
            crashes++;
            Assert.True(call < MostCalls);
        }

        Assert.InRange(crashes, 5, MostCalls);
    }

    [Fact]
    public async Task A_turn_that_is_not_to_be_resumed_is_closed_with_what_it_has_said()
    {
        _options.ResumeTurns = false;
        for (var call = 1; await CrashAsync($"c{call}", call, commits: true); call++)
        {
            Assert.True(call < MostCalls);
        }
    }

    /// <returns>False when the turn has ended before that call.</returns>
    private async Task<bool> CrashAsync(string conversation, int call, bool commits)
    {
        using CrashingTurnStore crashing = new(Fixture.Turns, call, commits);
        Work work = new(_time);
        await using var first = Runner(crashing, work);
        List<LoggedTurnEvent> seen = [];
        try
        {
            var turnId = (await first.StartAsync(Ask(conversation), Cancellation)).TurnId;
            await ReadAsync(first, turnId, seen, crashing.Crashed);
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            Assert.True(crashing.Crashed.IsCancellationRequested, exception.ToString());
        }

        if (!crashing.Crashed.IsCancellationRequested)
        {
            AssertWhole(seen, work, TurnStatus.Completed);
            return false;
        }

        await Fixture.ShiftClockAsync(_options.TurnLease + TimeSpan.FromSeconds(1), Cancellation);
        await using var second = Runner(Fixture.Turns, work);
        var turn = await Fixture.Conversations.FindLastTurnAsync(Ada, conversation, Cancellation);
        if (turn is null)
        {
            Assert.Equal((1, false), (call, commits)); // not even the request was stored, and whoever asked was told so
            return true;
        }

        if (turn.FinishedAt is null)
        {
            Assert.Equal(1, await second.RecoverAsync(Cancellation));
        }

        await ReadAsync(second, turn.Id, seen, Cancellation);
        await AssertStoredAsync(conversation, turn.Id, seen);
        var end = (await Fixture.Conversations.FindTurnAsync(Ada, turn.Id, Cancellation))!.Status;
        AssertWhole(
            seen,
            work,
            turn.FinishedAt is null && !_options.ResumeTurns ? TurnStatus.Interrupted : TurnStatus.Completed
        );
        Assert.Equal(end, ((TurnFinished)seen[^1].Event!).Status);
        await AssertGoesOnAsync(second, conversation);
        return true;
    }

    /// <summary>Reads on from what was seen, up to the end.</summary>
    private static async Task ReadAsync(
        TurnRunner runner,
        string turnId,
        List<LoggedTurnEvent> seen,
        CancellationToken cancellationToken
    )
    {
        var after = seen is [.., var last] ? last.Sequence : 0;
        await foreach (var logged in runner.FollowAsync(Ada, turnId, after, cancellationToken))
        {
            seen.Add(logged);
        }
    }

    private static void AssertWhole(List<LoggedTurnEvent> seen, Work work, TurnStatus status)
    {
        Assert.Equal(Enumerable.Range(1, seen.Count), seen.Select(logged => (int)logged.Sequence));
        Assert.IsType<TurnStarted>(seen[0].Event);
        Assert.Equal(status, Assert.IsType<TurnFinished>(seen[^1].Event).Status);
        var calls = seen.Select(logged => logged.Event)
            .OfType<ToolCallStarted>()
            .Select(started => started.CallId)
            .ToList();
        var results = seen.Select(logged => logged.Event)
            .OfType<ToolCallFinished>()
            .Select(ended => ended.CallId)
            .ToList();
        Assert.Equal(calls, results);
        Assert.Equal(calls, calls.Distinct());
        Assert.InRange(work.Payments, 0, 1);
        if (status == TurnStatus.Completed)
        {
            Assert.Equal(["pay", "look"], calls);
            Assert.InRange(work.Looks, 1, 2);
        }
    }

    /// <summary>What was seen is what is in the log, and its text is in the messages.</summary>
    private async Task AssertStoredAsync(string conversation, string turnId, List<LoggedTurnEvent> seen)
    {
        var log = await Fixture.Turns.ReadEventsAsync(Ada, turnId, cancellationToken: Cancellation);
        Assert.Equal(log.Select(logged => $"{logged}"), seen.Select(logged => $"{logged}"));
        var messages = await Fixture.Conversations.ReadMessagesAsync(
            Ada,
            conversation,
            cancellationToken: Cancellation
        );
        Assert.Equal(
            string.Concat(log.Select(logged => logged.Event).OfType<TextDelta>().Select(delta => delta.Text)),
            string.Concat(
                messages
                    .Where(message => message.Message.Role == ChatRole.Assistant)
                    .Select(message => message.Message.Text)
            )
        );
    }

    private static async Task AssertGoesOnAsync(TurnRunner runner, string conversation)
    {
        List<TurnEvent> next = [];
        await foreach (var happened in runner.RunAsync(Ask(conversation, "next"), Cancellation))
        {
            next.Add(happened);
        }

        Assert.Equal(TurnStatus.Completed, ((TurnFinished)next[^1]).Status);
    }

    private static TurnRequest Ask(string conversation, string text = "Pay it.") =>
        new()
        {
            Principal = Ada,
            ConversationId = conversation,
            Messages = [new(ChatRole.User, text)],
        };

    private TurnRunner Runner(ITurnStore turns, Work work) =>
        new(
            new ScriptedChatClient(work.AnswerAsync),
            Fixture.Conversations,
            turns,
            new ToolSource(
                (_, _) =>
                    new([
                        AIFunctionFactory.Create(work.Pay, "pay"),
                        AIFunctionFactory.Create(work.Look, "look").AsIdempotent(),
                    ])
            ),
            passages: null,
            _options,
            _time,
            changes: Fixture.Changes
        );

    /// <summary>The world outside of the processes, and a model that asks for what is left to do in it.</summary>
    private sealed class Work(FakeTimeProvider time)
    {
        private int _payments;
        private int _looks;

        public int Payments => _payments;

        public int Looks => _looks;

        public string Pay()
        {
            Interlocked.Increment(ref _payments);
            return "paid";
        }

        public string Look()
        {
            Interlocked.Increment(ref _looks);
            return "seen";
        }

        public async IAsyncEnumerable<AIContent> AnswerAsync(
            IReadOnlyList<ChatMessage> messages,
            [EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            AssertPaired(messages);
            var exchange = messages.Reverse().TakeWhile(message => message.Role != ChatRole.User).ToList();
            var isNext = messages.Last(message => message.Role == ChatRole.User).Text == "next";
            if (isNext || exchange.Any(message => message.Role == ChatRole.Tool))
            {
                foreach (var text in new[] { "It is ", "done ", "now." })
                {
                    yield return new TextContent(text);
                    await CommitAsync(cancellationToken);
                }

                yield break;
            }

            yield return new TextReasoningContent("Hm.");
            yield return new TextContent("I pay ");
            await CommitAsync(cancellationToken);
            yield return new TextContent("and look.");
            await CommitAsync(cancellationToken);
            yield return new FunctionCallContent("pay", "pay");
            yield return new FunctionCallContent("look", "look");
        }

        // What was said so far is committed meanwhile, or is not: both happen.
        private async Task CommitAsync(CancellationToken cancellationToken)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
        }

        private static void AssertPaired(IReadOnlyList<ChatMessage> messages)
        {
            var contents = messages.SelectMany(message => message.Contents).ToList();
            Assert.Equal(
                contents.OfType<FunctionCallContent>().Select(call => call.CallId),
                contents.OfType<FunctionResultContent>().Select(result => result.CallId)
            );
        }
    }
}
