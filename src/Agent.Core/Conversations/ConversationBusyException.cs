namespace Slipway.Agents.Conversations;

/// <summary>Another turn of the conversation is running: there is one at a time.</summary>
/// <param name="conversationId">The conversation.</param>
/// <param name="turnId">The turn that is running.</param>
/// <param name="isAbandoned">Whether whoever ran it is gone, so that it can be taken over.</param>
public sealed class ConversationBusyException(string conversationId, string turnId, bool isAbandoned)
    : SlipwayException(
        ErrorClass.Transient,
        $"The conversation '{conversationId}' is being answered already.",
        "Wait for the answer, follow it at /api/chat/{id}/stream, or stop it at /api/chat/{id}/stop; Agent:WaitForTurn lets requests wait."
    )
{
    /// <summary>The turn that is running.</summary>
    public string TurnId { get; } = turnId;

    /// <summary>Whether whoever ran it is gone.</summary>
    public bool IsAbandoned { get; } = isAbandoned;
}
