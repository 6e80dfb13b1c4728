using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;

namespace Slipway.Agents.Turns;

/// <summary>Runs turns: stores, calls the model and its tools, checks citations, and tells what happens as it happens.</summary>
/// <remarks>
/// Safe for concurrent use. A turn of a conversation runs by itself: whoever asked may leave, and whoever comes, to any instance, follows
/// it from the log.
/// </remarks>
public interface ITurnRunner
{
    /// <summary>Runs one turn and tells its events. Who stops listening stops it.</summary>
    /// <returns>
    /// The events, the last of which is always <see cref="TurnFinished"/>. Errors of model and tools are events, not exceptions.
    /// </returns>
    /// <exception cref="SlipwayException">Before the first event: the request itself cannot be taken.</exception>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="cancellationToken"/> was cancelled; what was produced is stored as <see cref="TurnStatus.Cancelled"/>.
    /// </exception>
    IAsyncEnumerable<TurnEvent> RunAsync(TurnRequest request, CancellationToken cancellationToken = default);

    /// <summary>Starts a turn of a conversation, which then goes on by itself.</summary>
    /// <returns>The turn, to be followed; the earlier one for a request whose idempotency key is known.</returns>
    /// <exception cref="ConversationBusyException">Another turn of the conversation is running.</exception>
    /// <exception cref="SlipwayException">The request cannot be taken; nothing was stored.</exception>
    ValueTask<StartedTurn> StartAsync(TurnRequest request, CancellationToken cancellationToken = default);

    /// <summary>Tells the events of a turn, from the log: each once, when it is stored, until the last one. Leaving changes nothing.</summary>
    /// <param name="principal">Whose turn it is; another's has no events.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="after">Only events after this sequence number; 0 for all.</param>
    /// <param name="cancellationToken">Ends the telling, not the turn.</param>
    /// <returns>
    /// The events. They end without <see cref="TurnFinished"/> when this instance stops and another one goes on with the turn: ask again
    /// there.
    /// </returns>
    IAsyncEnumerable<LoggedTurnEvent> FollowAsync(
        Principal principal,
        string turnId,
        long after = 0,
        CancellationToken cancellationToken = default
    );

    /// <summary>Stops the running turn of a conversation, whichever instance runs it. What it produced is kept.</summary>
    /// <returns>False when none is running, or the conversation is not the principal's.</returns>
    ValueTask<bool> StopAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    );
}

/// <summary>A turn that runs by itself.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="IsNew">False for an earlier request with the same idempotency key.</param>
public sealed record StartedTurn(string TurnId, bool IsNew);

/// <summary>What a turn is asked to do.</summary>
public sealed record TurnRequest
{
    /// <summary>Who asks.</summary>
    public required Principal Principal { get; init; }

    /// <summary>
    /// The conversation that the turn belongs to: minted by the client if free, otherwise it must be the principal's own. Null for a
    /// stateless turn: nothing is stored but its usage.
    /// </summary>
    public string? ConversationId { get; init; }

    /// <summary>
    /// What is new: normally one user message. For a stateless turn the whole history.
    /// </summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>
    /// Answer the last user message again: the stored messages after it are superseded, <see cref="Messages"/> is not appended.
    /// </summary>
    public bool Regenerate { get; init; }

    /// <summary>
    /// Names the request: a second one of the same principal with the same key gets the first one's turn. Null for none; at most
    /// <see cref="ConversationId.MaxLength"/> characters.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>
    /// Temperature, length and the caller's own tools, for stateless turns. Null for the agent's settings. A turn with tools of its caller
    /// cannot be resumed by another process.
    /// </summary>
    public ChatOptions? Options { get; init; }
}
