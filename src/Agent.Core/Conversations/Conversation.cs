using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Conversations;

/// <summary>A user's conversation.</summary>
public sealed record Conversation
{
    /// <summary>The id, minted by the client or by the agent.</summary>
    public required string Id { get; init; }

    /// <summary>The title; null until there is one.</summary>
    public string? Title { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the newest message was stored, UTC.</summary>
    public required DateTimeOffset LastMessageAt { get; init; }
}

/// <summary>A page of conversations, the most recent first.</summary>
/// <param name="Conversations">The conversations.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; null on the last.</param>
public sealed record ConversationPage(IReadOnlyList<Conversation> Conversations, string? Next);

/// <summary>A conversation that a search found.</summary>
/// <param name="Conversation">The conversation.</param>
/// <param name="MessageId">The first message that holds one of the words; null when only the title does.</param>
/// <param name="Excerpt">What stands around that word, in one line; null as <paramref name="MessageId"/>.</param>
public sealed record ConversationMatch(Conversation Conversation, string? MessageId, string? Excerpt);

/// <summary>A page of what a search found, the most recent first.</summary>
/// <param name="Matches">What was found; may be fewer than asked for although there is a next page.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; null on the last.</param>
public sealed record ConversationMatchPage(IReadOnlyList<ConversationMatch> Matches, string? Next);

/// <summary>A stored message.</summary>
public sealed record ConversationMessage
{
    /// <summary>Rises with every message of the database; the order of a conversation.</summary>
    public required long Sequence { get; init; }

    /// <summary>The turn that the message belongs to, if any.</summary>
    public string? TurnId { get; init; }

    /// <summary>How that turn stands: a message of a cancelled or failed turn may be incomplete.</summary>
    public TurnStatus? TurnStatus { get; init; }

    /// <summary>When it was stored, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// The message, its id in <see cref="ChatMessage.MessageId"/>. Text carries its citations as <see cref="CitationAnnotation"/>s;
    /// passages in tool results are references without text.
    /// </summary>
    public required ChatMessage Message { get; init; }
}
