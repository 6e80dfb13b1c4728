using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

public abstract partial class TurnStoreSuite
{
    [Fact]
    public async Task A_turn_whose_lease_has_expired_is_taken_over_and_its_first_owner_writes_nothing_more()
    {
        await Turns.StartTurnAsync(Start("t") with { Events = [new StepStarted(1)], Request = "who" }, Cancellation);
        Assert.Empty(await Turns.TakeOverAsync(Held, cancellationToken: Cancellation));

        await Fixture.ShiftClockAsync(Held, Cancellation);
        Assert.Equal(
            (TurnStatus.Interrupted, null),
            await Fixture.Conversations.FindLastTurnAsync(Ada, "c", Cancellation) is { } abandoned
                ? (abandoned.Status, abandoned.FinishedAt)
                : default
        );
        var taken = Assert.Single(await Turns.TakeOverAsync(Held, cancellationToken: Cancellation));

        Assert.Equal(new("t", 2), taken.Lease);
        Assert.Equal(
            (Ada.Tenant, Ada.Id, "c", "who"),
            (taken.Principal.Tenant, taken.Principal.Id, taken.ConversationId, taken.Request)
        );
        Assert.Empty(await Turns.TakeOverAsync(Held, cancellationToken: Cancellation));
        var late = Output("t") with
        {
            FirstSequence = 2,
            Events = [new TextDelta("1.1", "late")],
            Messages = [new(ChatRole.Assistant, "late") { MessageId = "late" }],
            Steps = [Step(1, TurnStepKind.Model)],
            End = new(TurnStatus.Completed, "stop"),
        };
        Assert.False(await Turns.WriteAsync(late, Cancellation));
        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Events, Cancellation));
        Assert.Equal(0, await Fixture.CountAsync(ConversationRow.Steps, Cancellation));
        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Messages, Cancellation));
        Assert.True(await Turns.WriteAsync(late with { FencingToken = 2 }, Cancellation));
        Assert.False(await Turns.WriteAsync(late with { FencingToken = 2 }, Cancellation)); // it has ended
    }

    [Fact]
    public async Task A_turn_that_is_renewed_is_not_taken_over()
    {
        await Turns.StartTurnAsync(Start("t1", "c1"), Cancellation);
        await Turns.StartTurnAsync(Start("t2", "c2"), Cancellation);
        await Fixture.ShiftClockAsync(Held * 0.8, Cancellation);
        Assert.Equal([new("t1", false)], await Turns.RenewAsync([new("t1", 1)], Held, Cancellation));
        await Fixture.ShiftClockAsync(Held * 0.8, Cancellation);

        Assert.Equal(
            ["t2"],
            (await Turns.TakeOverAsync(Held, cancellationToken: Cancellation)).Select(turn => turn.Lease.TurnId)
        );
        Assert.Equal(
            ["t1"],
            (await Turns.RenewAsync([new("t1", 1), new("t2", 1), new("none", 1)], Held, Cancellation)).Select(renewal =>
                renewal.TurnId
            )
        );
    }

    [Fact]
    public async Task A_turn_that_is_given_away_is_taken_over_at_once()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        using var subscription = await other.Changes.SubscribeAsync(ChangeTopic.AbandonedTurns, Cancellation);
        var held = TimeSpan.FromDays(365); // time passes quickly while it is waited
        await Turns.StartTurnAsync(Start("t1", "c1") with { LeaseDuration = held }, Cancellation);
        await Turns.StartTurnAsync(Start("t2", "c2") with { LeaseDuration = held }, Cancellation);

        await Turns.ReleaseAsync([new("t1", 1)], Cancellation);

        Assert.True(await WaitAsync(subscription));
        var taken = Assert.Single(await other.Turns.TakeOverAsync(Held, cancellationToken: Cancellation));
        Assert.Equal(new("t1", 2), taken.Lease);
        Assert.Empty(await Turns.RenewAsync([new("t1", 1)], Held, Cancellation));
    }

    [Fact]
    public async Task Of_many_who_take_over_each_gets_others()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        for (var i = 0; i < 12; i++)
        {
            await Turns.StartTurnAsync(Start($"t{i}", $"c{i}"), Cancellation);
        }

        await Fixture.ShiftClockAsync(Held, Cancellation);
        var taken = await Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(i =>
                    Task.Run(
                        async () => await (i % 2 == 0 ? Turns : other.Turns).TakeOverAsync(Held, 5, null, Cancellation),
                        Cancellation
                    )
                )
        );
        var rest = await Turns.TakeOverAsync(Held, cancellationToken: Cancellation);

        Assert.All(taken, turns => Assert.InRange(turns.Count, 0, 5));
        Assert.Equal(
            Enumerable.Range(0, 12).Select(i => $"t{i}").Order(StringComparer.Ordinal),
            taken
                .SelectMany(turns => turns)
                .Concat(rest)
                .Select(turn => turn.Lease.TurnId)
                .Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task One_turn_can_be_asked_for()
    {
        await Turns.StartTurnAsync(Start("t1", "c1"), Cancellation);
        await Turns.StartTurnAsync(Start("t2", "c2"), Cancellation);
        await Fixture.ShiftClockAsync(Held, Cancellation);

        Assert.Equal(
            ["t2"],
            (await Turns.TakeOverAsync(Held, turnId: "t2", cancellationToken: Cancellation)).Select(turn =>
                turn.Lease.TurnId
            )
        );
    }

    [Fact]
    public async Task A_stop_reaches_whoever_runs_the_turn()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        Assert.Null(await Turns.RequestStopAsync(Ada, "c", Cancellation));
        await Turns.StartTurnAsync(Start("t"), Cancellation);
        using var subscription = await Fixture.Changes.SubscribeAsync(ChangeTopic.TurnStop("t"), Cancellation);

        Assert.Equal("t", await other.Turns.RequestStopAsync(Ada, "c", Cancellation));

        Assert.True(await WaitAsync(subscription));
        Assert.True((await Fixture.Conversations.FindTurnAsync(Ada, "t", Cancellation))!.StopRequested);
        Assert.Equal([new("t", true)], await Turns.RenewAsync([new("t", 1)], Held, Cancellation));
        await Fixture.ShiftClockAsync(Held, Cancellation);
        Assert.True(Assert.Single(await Turns.TakeOverAsync(Held, cancellationToken: Cancellation)).StopRequested);
    }

    [Fact]
    public async Task New_events_wake_who_follows()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        await Turns.StartTurnAsync(Start("t"), Cancellation);
        using var subscription = await other.Changes.SubscribeAsync(ChangeTopic.Turn("t"), Cancellation);

        await Turns.WriteAsync(Output("t") with { Events = [new StepStarted(1)] }, Cancellation);

        Assert.True(await WaitAsync(subscription));
        Assert.Single(await other.Turns.ReadEventsAsync(Ada, "t", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task Many_turns_of_many_users_write_at_once_and_a_lost_one_takes_nothing_of_the_others()
    {
        const int Count = 24;
        const int Groups = 5;
        Principal[] principals = [Ada, new("t1", "eve"), new("t2", "ada")];
        for (var i = 0; i < Count; i++)
        {
            await Turns.StartTurnAsync(Start($"t{i}", $"c{i}") with { Principal = principals[i % 3] }, Cancellation);
        }

        var written = await Task.WhenAll(
            Enumerable
                .Range(0, Count)
                .Select(i =>
                    Task.Run(
                        async () =>
                        {
                            var all = true;
                            for (var group = 0; group < Groups; group++)
                            {
                                all &= await Turns.WriteAsync(
                                    Output($"t{i}", $"c{i}", token: i % 8 == 7 ? 2 : 1) with
                                    {
                                        Principal = i % 8 == 6 ? new("t1", "mallory") : principals[i % 3],
                                        FirstSequence = (2 * group) + 1,
                                        Events = [new TextDelta("1", $"{i}"), new TextDelta("2", $"{group}")],
                                    },
                                    Cancellation
                                );
                            }

                            return all;
                        },
                        Cancellation
                    )
                )
        );

        Assert.Equal(Enumerable.Range(0, Count).Select(i => i % 8 < 6), written);
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(
                i % 8 < 6 ? Enumerable.Range(1, 2 * Groups) : [],
                (await Turns.ReadEventsAsync(principals[i % 3], $"t{i}", cancellationToken: Cancellation)).Select(
                    logged => (int)logged.Sequence
                )
            );
        }
    }

    // SQLite looks for others' commits by the test's clock.
    private async Task<bool> WaitAsync(IChangeSubscription subscription)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Bound);
        var woken = subscription.WaitAsync(Timeout.InfiniteTimeSpan, limit.Token).AsTask();
        while (!woken.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        return await woken;
    }
}
