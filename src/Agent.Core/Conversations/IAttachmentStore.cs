namespace Slipway.Agents.Conversations;

/// <summary>Files that users attach to messages: bytes once in the blob store, and who attached them to which conversation.</summary>
/// <remarks>
/// Safe for concurrent use. Every method is one transaction, and every statement is bound to the principal. Attachments go with their
/// conversation, and bytes that nothing else uses go with the last attachment.
/// </remarks>
public interface IAttachmentStore
{
    /// <summary>
    /// Keeps a file for a conversation, which may not have begun yet. The same bytes twice in a conversation are one attachment.
    /// </summary>
    /// <param name="principal">Who attaches it.</param>
    /// <param name="conversationId">The conversation.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="mediaType">What they are, such as <c>image/png</c>.</param>
    /// <param name="name">The file's name; null for none.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    ValueTask<Attachment> AddAsync(
        Principal principal,
        string conversationId,
        ReadOnlyMemory<byte> content,
        string mediaType,
        string? name = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>An attachment of a conversation; null when the principal has no such conversation or it has no such attachment.</summary>
    ValueTask<Attachment?> FindAsync(
        Principal principal,
        string conversationId,
        string attachmentId,
        CancellationToken cancellationToken = default
    );

    /// <summary>The bytes of an attachment; null as in <see cref="FindAsync"/>.</summary>
    ValueTask<byte[]?> ReadAsync(
        Principal principal,
        string conversationId,
        string attachmentId,
        CancellationToken cancellationToken = default
    );
}

/// <summary>A file that a user attached to a conversation.</summary>
public sealed record Attachment
{
    /// <summary>The id within the conversation: the SHA-256 of the bytes in lower-case hexadecimal.</summary>
    public required string Id { get; init; }

    /// <summary>What the bytes are, as the client said.</summary>
    public required string MediaType { get; init; }

    /// <summary>The file's name; null for none.</summary>
    public string? Name { get; init; }

    /// <summary>How many bytes.</summary>
    public required long Length { get; init; }

    /// <summary>When it was attached first, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}
