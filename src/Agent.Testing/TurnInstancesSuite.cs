using System.Globalization;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agents.Testing;

/// <summary>Two instances on one database: whatever one does to a turn reaches the other, which runs or follows it.</summary>
/// <param name="open">Opens the store under test.</param>
public abstract class TurnInstancesSuite(OpenConversationStore open) : IAsyncLifetime
{
    private static readonly Principal Ada = new("t1", "ada");

    // Ends a test that waits in vain; what passes never waits for it.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private ConversationStoreFixture? _here;
    private ConversationStoreFixture? _there;

    /// <summary>How often a stop is timed; the times are in the test's output.</summary>
    protected virtual int Stops => 5;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ConversationStoreFixture Here => _here ?? throw new InvalidOperationException("The test has not begun.");

    private ConversationStoreFixture There => _there ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>Makes the database.</summary>
    public virtual async ValueTask InitializeAsync()
    {
        _here = await open(TimeProvider.System, Cancellation);
        _there = await _here.ReopenAsync(Cancellation);
    }

    /// <summary>Removes it.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var fixture in new[] { _there, _here })
        {
            await (fixture?.DisposeAsync() ?? default);
        }
    }

    [Fact]
    public async Task A_stop_there_cancels_the_models_call_here_and_all_who_follow_see_the_end()
    {
        List<double> times = [];
        for (var i = 0; i < Stops; i++)
        {
            TaskCompletionSource cancelled = new();
            await using var here = Runner(
                Here,
                (messages, token) =>
                {
                    token.Register(cancelled.SetResult);
                    return SayThenHang("Half")(messages, token);
                }
            );
            await using var there = Runner(There, Say("never"));
            var conversation = string.Create(CultureInfo.InvariantCulture, $"c{i}");
            var started = await here.StartAsync(Ask(conversation), Cancellation);
            await using var followed = there
                .FollowAsync(Ada, started.TurnId, 0, Cancellation)
                .GetAsyncEnumerator(Cancellation);
            while (await followed.MoveNextAsync() && followed.Current.Event is not TextDelta) { }

            var began = TimeProvider.System.GetTimestamp();
            Assert.True(await there.StopAsync(Ada, conversation, Cancellation));
            await cancelled.Task.WaitAsync(Bound, Cancellation);
            times.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);

            while (await followed.MoveNextAsync() && followed.Current.Event is not TurnFinished) { }

            Assert.Equal(TurnStatus.Cancelled, ((TurnFinished)followed.Current.Event!).Status);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            "Milliseconds until the model's call was cancelled: "
                + string.Join(' ', times.Order().Select(time => time.ToString("F0", CultureInfo.InvariantCulture)))
        );
    }

    [Fact]
    public async Task A_turn_that_is_handed_over_goes_on_there_and_who_follows_sees_each_event_once()
    {
        await using var here = Runner(Here, SayThenHang("Half"));
        await using var there = Runner(There, Say(" and half."));
        var started = await here.StartAsync(Ask("c"), Cancellation);
        List<LoggedTurnEvent> seen = [];
        await foreach (var logged in here.FollowAsync(Ada, started.TurnId, 0, Cancellation))
        {
            seen.Add(logged);
            if (logged.Event is TextDelta)
            {
                break;
            }
        }

        await using var followed = there
            .FollowAsync(Ada, started.TurnId, seen[^1].Sequence, Cancellation)
            .GetAsyncEnumerator(Cancellation);
        var next = followed.MoveNextAsync();
        await here.DrainAsync(TimeSpan.Zero);
        await there.RecoverAsync(Cancellation);
        while (await next)
        {
            seen.Add(followed.Current);
            next = followed.MoveNextAsync();
        }

        Assert.Equal(Enumerable.Range(1, seen.Count), seen.Select(logged => (int)logged.Sequence));
        Assert.Equal(
            "Half and half.",
            string.Concat(seen.Select(logged => logged.Event).OfType<TextDelta>().Select(delta => delta.Text))
        );
        Assert.Equal(TurnStatus.Completed, Assert.IsType<TurnFinished>(seen[^1].Event).Status);
    }

    [Fact]
    public async Task A_message_waits_there_for_the_answer_that_is_given_here()
    {
        TaskCompletionSource gate = new();
        await using var here = Runner(Here, SayThenWait("One", gate.Task));
        await using var there = Runner(There, Say("Two"), new() { WaitForTurn = Bound });
        await here.StartAsync(Ask("c"), Cancellation);

        var second = there.StartAsync(Ask("c"), Cancellation).AsTask();
        gate.SetResult();
        var started = await second.WaitAsync(Bound, Cancellation);
        await foreach (var _ in there.FollowAsync(Ada, started.TurnId, 0, Cancellation)) { }

        Assert.Equal(
            ["hi", "One", "hi", "Two"],
            (await Here.Conversations.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation)).Select(message =>
                message.Message.Text
            )
        );
    }

    /// <summary>
    /// Not a check but a figure: the time from a request to its first delta, behind the commits of the turn, the delta and all before it. The
    /// model answers at once, so all of it is added to a model's own time.
    /// </summary>
    [Theory(Explicit = true)]
    [Trait("Tier", "nightly")]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Time_to_the_first_token(int atOnce)
    {
        const int Warmup = 100;
        const int Measured = 400;
        await using var runner = Runner(Here, Say("One ", "two ", "three."));
        var number = 0;
        await MeasureAsync(Warmup);
        var times = await MeasureAsync(Measured);

        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{atOnce} at once: p50 {times[times.Count / 2]:F1} ms, p99 {times[times.Count * 99 / 100]:F1} ms"
            )
        );

        async Task<List<double>> MeasureAsync(int count) =>
            [
                .. (
                    await Task.WhenAll(
                        Enumerable.Range(0, atOnce).Select(_ => Task.Run(() => ManyAsync(count / atOnce), Cancellation))
                    )
                )
                    .SelectMany(some => some)
                    .Order(),
            ];

        async Task<List<double>> ManyAsync(int count)
        {
            List<double> some = [];
            for (var i = 0; i < count; i++)
            {
                var conversation = string.Create(CultureInfo.InvariantCulture, $"m{Interlocked.Increment(ref number)}");
                var began = TimeProvider.System.GetTimestamp();
                var started = await runner.StartAsync(Ask(conversation), Cancellation);
                var hasBegun = false;
                await foreach (var logged in runner.FollowAsync(Ada, started.TurnId, 0, Cancellation))
                {
                    if (!hasBegun && logged.Event is TextDelta)
                    {
                        hasBegun = true;
                        some.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
                    }
                }
            }

            return some;
        }
    }

    private static TurnRequest Ask(string conversation) =>
        new()
        {
            Principal = Ada,
            ConversationId = conversation,
            Messages = [new(ChatRole.User, "hi")],
        };

    private static TurnRunner Runner(ConversationStoreFixture fixture, Reply reply, AgentOptions? options = null) =>
        new(
            new ScriptedChatClient(reply),
            fixture.Conversations,
            fixture.Turns,
            ToolSource.Empty,
            passages: null,
            options ?? new AgentOptions(),
            changes: fixture.Changes
        );
}
