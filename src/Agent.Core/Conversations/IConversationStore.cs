using Slipway.Agents.Turns;

namespace Slipway.Agents.Conversations;

/// <summary>Conversations, their messages and how their turns stand. <see cref="ITurnStore"/> writes them.</summary>
/// <remarks>
/// Safe for concurrent use. Every method is one transaction, and every statement is bound to the principal: what belongs to somebody
/// else does not exist.
/// </remarks>
public interface IConversationStore
{
    /// <summary>One conversation, or null when the principal has none of that id.</summary>
    ValueTask<Conversation?> FindAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    );

    /// <summary>The principal's conversations, the most recent first.</summary>
    /// <param name="principal">Whose.</param>
    /// <param name="limit">Page size, 1 to 1,000.</param>
    /// <param name="after">The last page's <see cref="ConversationPage.Next"/>; null for the first page.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<ConversationPage> ListAsync(
        Principal principal,
        int limit = 50,
        string? after = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// The principal's conversations in which every word of a query occurs, the most recent first. A word occurs where the title, or what the
    /// user or the agent said (not what was superseded, thought or given to tools), holds it as a part, whatever the case.
    /// </summary>
    /// <param name="principal">Whose.</param>
    /// <param name="query">Words, parted by white space. Without any, nothing is found.</param>
    /// <param name="limit">Page size, 1 to 1,000.</param>
    /// <param name="after">The last page's <see cref="ConversationMatchPage.Next"/>; null for the first page.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <remarks>
    /// One call looks at 10,000 messages or a few more: a page may hold less than was asked for, or nothing, and still have a next one.
    /// </remarks>
    ValueTask<ConversationMatchPage> SearchAsync(
        Principal principal,
        string query,
        int limit = 50,
        string? after = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Gives a conversation another title, unless it has one already that is not <paramref name="expected"/>.</summary>
    /// <returns>False when the principal has none of that id and title.</returns>
    ValueTask<bool> ReplaceTitleAsync(
        Principal principal,
        string conversationId,
        string expected,
        string title,
        CancellationToken cancellationToken = default
    );

    /// <summary>Gives a conversation another title.</summary>
    /// <returns>False when the principal has none of that id.</returns>
    ValueTask<bool> RenameAsync(
        Principal principal,
        string conversationId,
        string title,
        CancellationToken cancellationToken = default
    );

    /// <summary>Deletes a conversation with its messages and turns. Usage stays: it holds numbers only.</summary>
    /// <returns>False when the principal has none of that id.</returns>
    ValueTask<bool> DeleteAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Messages in order, from the user's message that is <paramref name="exchanges"/> from the end: a window never begins in the middle
    /// of an answer. Rows that cannot be read are left out and logged. Empty when the principal has no such conversation.
    /// </summary>
    /// <param name="principal">Whose.</param>
    /// <param name="conversationId">The conversation.</param>
    /// <param name="exchanges">How many messages of the user, with everything up to the next.</param>
    /// <param name="before">Only messages before this <see cref="ConversationMessage.Sequence"/>, to page backwards.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<IReadOnlyList<ConversationMessage>> ReadMessagesAsync(
        Principal principal,
        string conversationId,
        int exchanges = int.MaxValue,
        long? before = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>A turn, or null when the principal has none of that id.</summary>
    ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// The newest turn of a conversation, or null. A turn whose owner is gone stands as <see cref="TurnStatus.Interrupted"/> and has no
    /// <see cref="TurnInfo.FinishedAt"/> until somebody takes it over.
    /// </summary>
    ValueTask<TurnInfo?> FindLastTurnAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    );
}
