using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Slipway.Agents.Conversations;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Chat;

/// <summary>The files of a message: data URLs, or the addresses of attachments that the conversation has already.</summary>
internal sealed partial class ChatAttachments(
    LimitsOptions limits,
    IAttachmentStore? known,
    ILogger<ChatAttachments> logger
)
{
    /// <exception cref="ProblemException">A limit is exceeded, or a file is somewhere else.</exception>
    public async Task<List<AIContent>> ReadAsync(
        Principal principal,
        string conversationId,
        IReadOnlyList<UIMessagePart> files,
        CancellationToken cancellationToken
    )
    {
        if (files.Count > limits.MaxAttachments)
        {
            throw Problem
                .Invalid(
                    $"The message has {files.Count} attachments; at most {limits.MaxAttachments} are accepted (Limits:MaxAttachments)."
                )
                .ToException();
        }

        List<AIContent> contents = [];
        foreach (var file in files)
        {
            if (
                await ReadAsync(principal, conversationId, file, cancellationToken).ConfigureAwait(false) is { } content
            )
            {
                contents.Add(content);
            }
        }

        return contents;
    }

    private async ValueTask<AIContent?> ReadAsync(
        Principal principal,
        string conversationId,
        UIMessagePart file,
        CancellationToken cancellationToken
    )
    {
        var url = file.Url ?? "";
        var name = string.IsNullOrWhiteSpace(file.Filename) ? null : file.Filename;
        if (url.StartsWith("data:", StringComparison.OrdinalIgnoreCase))
        {
            return Decode(url, file.MediaType, name, conversationId);
        }

        // A client that edits or repeats a message sends what it was given: the address under which the attachment is served.
        var id = url[(url.LastIndexOf('/') + 1)..];
        if (
            known is not null
            && url.EndsWith(
                $"/api/conversations/{Uri.EscapeDataString(conversationId)}/attachments/{id}",
                StringComparison.Ordinal
            )
            && await known.FindAsync(principal, conversationId, id, cancellationToken).ConfigureAwait(false)
                is { } attachment
        )
        {
            return new AttachmentReference(attachment.Id, attachment.MediaType, name ?? attachment.Name).ToContent();
        }

        throw Problem
            .Invalid(
                $"The attachment '{name}' is neither a data URL nor one that the conversation has already; files are not fetched from elsewhere."
            )
            .ToException();
    }

    private DataContent? Decode(string url, string? mediaType, string? name, string conversationId)
    {
        // Before anything is decoded: base64 takes four characters for three bytes.
        var comma = url.IndexOf(',', StringComparison.Ordinal);
        var isBase64 = comma > 0 && url.AsSpan(0, comma).EndsWith(";base64", StringComparison.OrdinalIgnoreCase);
        var atLeast = isBase64 ? ((long)url.Length - comma - 1) / 4 * 3 - 2 : 0;
        if (atLeast > limits.MaxAttachmentBytes)
        {
            throw TooLarge(name, atLeast);
        }

        DataContent content;
        try
        {
            content = new DataContent(comma > 5 && url[5] is not (';' or ',') ? url : $"data:{mediaType}{url[5..]}")
            {
                Name = name,
            };
            _ = content.Data.Length; // decodes
        }
        catch (Exception exception)
            when (exception is FormatException or ArgumentException or InvalidOperationException)
        {
            LogUndecodable(name, conversationId, exception.Message);
            return null;
        }

        if (content.Data.Length > limits.MaxAttachmentBytes)
        {
            throw TooLarge(name, content.Data.Length);
        }

        return IsAccepted(content.MediaType)
            ? content
            : throw new Problem(
                StatusCodes.Status415UnsupportedMediaType,
                $"The attachment '{name}' is '{content.MediaType}'; accepted are {string.Join(", ", limits.AttachmentTypes)} "
                    + "(Limits:AttachmentTypes)."
            ).ToException();
    }

    private bool IsAccepted(string mediaType)
    {
        var plain = mediaType.Split(';')[0].Trim();
        return limits.AttachmentTypes.Any(accepted =>
            accepted.EndsWith("/*", StringComparison.Ordinal)
                ? plain.StartsWith(accepted[..^1], StringComparison.OrdinalIgnoreCase)
                : plain.Equals(accepted, StringComparison.OrdinalIgnoreCase)
        );
    }

    private ProblemException TooLarge(string? name, long length) =>
        new Problem(
            StatusCodes.Status413PayloadTooLarge,
            string.Create(
                CultureInfo.InvariantCulture,
                $"The attachment '{name}' has {length:N0} bytes or more; at most {limits.MaxAttachmentBytes:N0} are accepted (Limits:MaxAttachmentBytes)."
            )
        ).ToException();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The attachment {Name} of a message in conversation {ConversationId} cannot be decoded and is left out: {Reason}"
    )]
    private partial void LogUndecodable(string? name, string conversationId, string reason);
}
