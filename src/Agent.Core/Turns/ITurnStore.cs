using Slipway.Agents.Conversations;

namespace Slipway.Agents.Turns;

/// <summary>What whoever runs turns keeps of them: who runs which, each step before and after it, and the log of events.</summary>
/// <remarks>
/// <para>Safe for concurrent use. Every method is one transaction. A turn belongs to one owner at a time, under a fencing token that rises
/// with each owner and is checked in the transaction that writes: an owner that lost its turn writes nothing more.</para>
/// <para>Leases are reckoned by the database's clock. What is asked for a user is bound to that user in SQL; what an owner asks of its own
/// leases, or of those that nobody holds any more, is not.</para>
/// </remarks>
public interface ITurnStore
{
    /// <summary>
    /// Stores a turn as running, with its new messages, its first events and its first step. The conversation is made if the id is free. A
    /// message whose id is there already takes that one's place, and what followed is superseded.
    /// </summary>
    /// <returns>The turn's lease; or the earlier turn of the same <see cref="TurnStart.IdempotencyKey"/>, and nothing was stored.</returns>
    /// <exception cref="ConversationNotFoundException">The id belongs to somebody else.</exception>
    /// <exception cref="ConversationBusyException">Another turn of the conversation is running.</exception>
    /// <exception cref="SlipwayException">The key was used for another request.</exception>
    ValueTask<TurnAdmission> StartTurnAsync(TurnStart start, CancellationToken cancellationToken = default);

    /// <summary>Stores what a turn produced: all of it or nothing. Its usage is stored in any case: it was spent.</summary>
    /// <returns>
    /// False when the turn is not the writer's any more: it was taken over, has ended, or its conversation was deleted. The same output
    /// again, after a lost answer, is stored once.
    /// </returns>
    ValueTask<bool> WriteAsync(TurnOutput output, CancellationToken cancellationToken = default);

    /// <summary>Events of a turn in order. Empty when there are none, or the turn is not the principal's.</summary>
    /// <param name="principal">Whose.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="after">Only events after this <see cref="LoggedTurnEvent.Sequence"/>; 0 for all.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<IReadOnlyList<LoggedTurnEvent>> ReadEventsAsync(
        Principal principal,
        string turnId,
        long after = 0,
        int limit = int.MaxValue,
        CancellationToken cancellationToken = default
    );

    /// <summary>The steps of a turn in order. Empty when there are none, or the turn is not the principal's.</summary>
    ValueTask<IReadOnlyList<TurnStep>> ReadStepsAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    );

    /// <summary>Asks whoever runs a conversation's turn to stop it, and raises <see cref="ChangeTopic.TurnStop"/>.</summary>
    /// <returns>The turn; null when none is running, or the conversation is not the principal's.</returns>
    ValueTask<string?> RequestStopAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    );

    /// <summary>Makes leases last for <paramref name="duration"/> from now.</summary>
    /// <returns>Those that are still held, each with whether its turn shall stop. The others are lost.</returns>
    ValueTask<IReadOnlyList<TurnRenewal>> RenewAsync(
        IReadOnlyCollection<TurnLease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Gives running turns away, so that another owner takes them over at once, and raises <see cref="ChangeTopic.AbandonedTurns"/>.
    /// </summary>
    ValueTask ReleaseAsync(IReadOnlyCollection<TurnLease> leases, CancellationToken cancellationToken = default);

    /// <summary>Takes running turns over whose lease has expired or was given away; each goes to one owner.</summary>
    /// <param name="duration">How long the new lease lasts.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="turnId">Only this one; null for any.</param>
    /// <param name="cancellationToken">Cancels the attempt; what was taken expires by itself.</param>
    ValueTask<IReadOnlyList<AbandonedTurn>> TakeOverAsync(
        TimeSpan duration,
        int limit = 100,
        string? turnId = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Removes the steps and events of turns that ended before a time. Messages stay.</summary>
    /// <returns>How many turns had any, at most <paramref name="limit"/>.</returns>
    ValueTask<int> TrimAsync(DateTimeOffset before, int limit = 100, CancellationToken cancellationToken = default);
}

/// <summary>What became of a turn that was to be started.</summary>
/// <param name="TurnId">The turn: the new one, or the earlier one of the same key.</param>
/// <param name="Lease">The right to run it; null for an earlier one.</param>
public sealed record TurnAdmission(string TurnId, TurnLease? Lease);

/// <summary>The right to run a turn, for a time.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="FencingToken">Rises with each owner, from 1.</param>
public sealed record TurnLease(string TurnId, long FencingToken);

/// <summary>A lease that was renewed.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="StopRequested">Whether somebody asked for its end.</param>
public sealed record TurnRenewal(string TurnId, bool StopRequested);

/// <summary>A running turn that was taken over from an owner that is gone.</summary>
public sealed record AbandonedTurn
{
    /// <summary>The new owner's lease.</summary>
    public required TurnLease Lease { get; init; }

    /// <summary>Whose turn it is, without groups: <see cref="Request"/> has them.</summary>
    public required Principal Principal { get; init; }

    /// <summary>The conversation.</summary>
    public required string ConversationId { get; init; }

    /// <summary>The <see cref="TurnStart.Request"/>; null when only the first owner could run the turn.</summary>
    public string? Request { get; init; }

    /// <summary>Whether somebody asked for its end.</summary>
    public bool StopRequested { get; init; }
}

/// <summary>An event in the log of a turn.</summary>
/// <param name="Sequence">From 1 within the turn, without gaps.</param>
/// <param name="Event">
/// What happened; null when this release cannot read it. A citation's quote is not stored: the passage is read again when it is told.
/// </param>
public sealed record LoggedTurnEvent(long Sequence, TurnEvent? Event);

/// <summary>A call of a turn, to the model or to a tool. It is stored before the call and again after it.</summary>
public sealed record TurnStep
{
    /// <summary>From 1 within the turn, in the order in which calls began. The tools that a model call asked for follow it.</summary>
    public required int Number { get; init; }

    /// <summary>What is called.</summary>
    public required TurnStepKind Kind { get; init; }

    /// <summary>The tool's name; null for a model.</summary>
    public string? Name { get; init; }

    /// <summary>The model's id of the tool call; null for a model.</summary>
    public string? CallId { get; init; }

    /// <summary>Whether its end is known.</summary>
    public required TurnStepStatus Status { get; init; }

    /// <summary>What came of it as JSON: passages are references without text. Null as long as it is only started.</summary>
    public string? Data { get; init; }
}

/// <summary>What a step calls.</summary>
public enum TurnStepKind
{
    /// <summary>The model.</summary>
    Model,

    /// <summary>A tool.</summary>
    Tool,
}

/// <summary>How a step stands.</summary>
public enum TurnStepStatus
{
    /// <summary>About to be called, or called: after a crash nobody knows.</summary>
    Started,

    /// <summary>It has ended, well or not.</summary>
    Finished,
}
