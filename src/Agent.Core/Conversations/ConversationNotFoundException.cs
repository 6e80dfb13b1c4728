namespace Slipway.Agents.Conversations;

/// <summary>There is no such conversation for this user. Whether somebody else has one of that id is not said.</summary>
/// <param name="conversationId">The id that was asked for.</param>
public sealed class ConversationNotFoundException(string conversationId)
    : SlipwayException(
        ErrorClass.Permanent,
        $"There is no conversation '{conversationId}'.",
        "Start a new conversation, or name one of your own."
    )
{
    /// <summary>The id that was asked for.</summary>
    public string ConversationId { get; } = conversationId;
}
