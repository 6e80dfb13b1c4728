using Microsoft.Extensions.AI;

namespace Slipway.Agents.Turns;

/// <summary>Runs turns: stores, calls the model and its tools, checks citations, and tells what happens as it happens.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public interface ITurnRunner
{
    /// <summary>Runs one turn.</summary>
    /// <returns>
    /// The events, the last of which is always <see cref="TurnFinished"/>. Errors of model and tools are events, not exceptions.
    /// </returns>
    /// <exception cref="SlipwayException">Before the first event: the request itself cannot be taken.</exception>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="cancellationToken"/> was cancelled; what was produced is stored as <see cref="TurnStatus.Cancelled"/>.
    /// </exception>
    IAsyncEnumerable<TurnEvent> RunAsync(TurnRequest request, CancellationToken cancellationToken = default);
}

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

    /// <summary>Temperature, length and the caller's own tools, for stateless turns. Null for the agent's settings.</summary>
    public ChatOptions? Options { get; init; }
}
