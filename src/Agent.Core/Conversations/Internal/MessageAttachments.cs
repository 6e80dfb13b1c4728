using System.Text;
using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Conversations.Internal;

/// <summary>Attachments on their way: out of a new message into the store, and out of the store to the model.</summary>
internal sealed class MessageAttachments(IAttachmentStore? store)
{
    // Models take these as text; as files most of them refuse them.
    private static readonly string[] TextTypes = ["text/", "application/json", "application/xml", "application/yaml"];

    /// <summary>The request with references in place of bytes. A stateless one is left alone: of it nothing is stored.</summary>
    public async ValueTask<TurnRequest> StoreAsync(TurnRequest request, CancellationToken cancellationToken)
    {
        if (
            store is null
            || request.ConversationId is not { } conversationId
            || !request.Messages.Any(message => message.Contents.Any(content => content is DataContent))
        )
        {
            return request;
        }

        List<ChatMessage> messages = [];
        foreach (var message in request.Messages)
        {
            // The stored message is a copy: the caller's own object stays as it was.
            var copy = message.Clone();
            copy.Contents = [];
            foreach (var content in message.Contents)
            {
                copy.Contents.Add(
                    content is DataContent data
                        ? await StoreAsync(store, request.Principal, conversationId, data, cancellationToken)
                            .ConfigureAwait(false)
                        : content
                );
            }

            messages.Add(copy);
        }

        return request with
        {
            Messages = messages,
        };
    }

    /// <summary>What the model sees of a reference: the bytes, or their text marked as quoted data.</summary>
    public async ValueTask<AIContent> LoadAsync(
        AttachmentReference reference,
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken
    )
    {
        var bytes = store is null
            ? null
            : await store.ReadAsync(principal, conversationId, reference.Id, cancellationToken).ConfigureAwait(false);
        if (bytes is null)
        {
            return new TextContent($"[The attachment '{Name(reference)}' is not there any more.]");
        }

        return TextTypes.Any(type => reference.MediaType.StartsWith(type, StringComparison.OrdinalIgnoreCase))
            ? new TextContent(Quote(Name(reference), Encoding.UTF8.GetString(bytes)))
            : new DataContent(bytes, reference.MediaType) { Name = reference.Name };
    }

    private static async ValueTask<AIContent> StoreAsync(
        IAttachmentStore store,
        Principal principal,
        string conversationId,
        DataContent data,
        CancellationToken cancellationToken
    )
    {
        var kept = await store
            .AddAsync(principal, conversationId, data.Data, data.MediaType, data.Name, cancellationToken)
            .ConfigureAwait(false);
        return new AttachmentReference(kept.Id, data.MediaType, data.Name).ToContent();
    }

    // The end mark cannot come from inside, or a file could speak as the user.
    private static string Quote(string name, string text) =>
        $"<attachment name=\"{name.Replace('"', '\'')}\">\n"
        + text.Replace("</attachment", "<\\/attachment", StringComparison.OrdinalIgnoreCase)
        + "\n</attachment>";

    private static string Name(AttachmentReference reference) => reference.Name ?? reference.MediaType;
}
