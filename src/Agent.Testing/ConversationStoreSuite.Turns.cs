using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

public abstract partial class ConversationStoreSuite
{
    [Fact]
    public async Task A_turn_whose_process_is_gone_is_interrupted_and_the_conversation_opens()
    {
        await using (var died = await Fixture.ReopenAsEndedProcessAsync(Cancellation))
        {
            await died.Turns.StartTurnAsync(Start(Ada, "c", "q", null, "dead"), Cancellation);
        }

        var turn = await Store.FindLastTurnAsync(Ada, "c", Cancellation);
        Assert.Equal(("dead", TurnStatus.Interrupted), (turn!.Id, turn.Status));
        Assert.Equal(
            TurnStatus.Interrupted,
            (await Store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation))[0].TurnStatus
        );

        var refused = await Assert.ThrowsAsync<ConversationBusyException>(() => StartAsync(Ada, "c", "again"));
        Assert.Equal(("dead", true), (refused.TurnId, refused.IsAbandoned));
        Assert.Equal(["q"], await TextsAsync(Ada, "c"));
    }

    [Fact]
    public async Task A_turn_of_another_process_that_is_alive_is_running()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        await other.Turns.StartTurnAsync(Start(Ada, "c", "q", null, "live"), Cancellation);

        await SayAsync(Ada, "d", "hi", "ok");

        var turn = (await Store.FindTurnAsync(Ada, "live", Cancellation))!;
        Assert.Equal(("c", TurnStatus.Running, _time.GetUtcNow()), (turn.ConversationId, turn.Status, turn.StartedAt));
        Assert.Null(turn.FinishedAt);
        Assert.Null(turn.FinishReason);
        Assert.Null(turn.Usage);
    }

    [Fact]
    public async Task A_turn_of_a_deleted_conversation_brings_nothing_back()
    {
        await StartAsync(Ada, "c", "q");
        await Store.DeleteAsync(Ada, "c", Cancellation);

        await FinishAsync(Ada, "c", "too late");

        Assert.Null(await Store.FindAsync(Ada, "c", Cancellation));
        Assert.Equal(0, await Fixture.CountAsync(ConversationRow.Messages, Cancellation));
    }

    [Fact]
    public async Task Of_a_turn_without_a_conversation_only_the_usage_is_stored()
    {
        await Turns.WriteAsync(
            Output(Ada, "c", "stateless", "hello") with
            {
                ConversationId = null,
                Model = "m",
                Usage = new(3, 4),
                End = new(TurnStatus.Completed, "stop", new(3, 4)),
            },
            Cancellation
        );

        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Usage, Cancellation));
        Assert.Equal(0, await Fixture.CountAsync(ConversationRow.Messages, Cancellation));
        Assert.Equal(0, await Fixture.CountAsync(ConversationRow.Conversations, Cancellation));
    }

    [Fact]
    public async Task A_turn_that_is_refused_or_cancelled_leaves_nothing()
    {
        await StartAsync(Ada, "c", "q");
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAsync<ConversationNotFoundException>(() => StartAsync(Eve, "c", "mine now"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Turns.StartTurnAsync(Start(Ada, "d", "q", null), cancelled.Token)
        );

        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Turns, Cancellation));
        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Conversations, Cancellation));
        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Messages, Cancellation));
    }
}
