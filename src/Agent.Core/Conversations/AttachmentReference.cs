using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Conversations;

/// <summary>What a stored message holds of an attachment: not its bytes, but where they are.</summary>
/// <param name="Id">The <see cref="Attachment.Id"/>.</param>
/// <param name="MediaType">What the bytes are.</param>
/// <param name="Name">The file's name in this message; null for none.</param>
public sealed record AttachmentReference(string Id, string MediaType, string? Name)
{
    private const string Scheme = "attachment:";
    private const string NameProperty = "name";

    /// <summary>The reference as the content of a message.</summary>
    public AIContent ToContent()
    {
        UriContent content = new(Scheme + Id, MediaType);
        if (Name is not null)
        {
            content.AdditionalProperties = new() { [NameProperty] = Name };
        }

        return content;
    }

    /// <summary>The reference that a content is, also after a round trip through JSON; null for other contents.</summary>
    public static AttachmentReference? From(AIContent content)
    {
        if (
            content is not UriContent uri
            || !uri.Uri.OriginalString.StartsWith(Scheme, StringComparison.Ordinal)
            || uri.Uri.OriginalString[Scheme.Length..] is not { Length: > 0 } id
        )
        {
            return null;
        }

        object? name = null;
        uri.AdditionalProperties?.TryGetValue(NameProperty, out name);
        return new(
            id,
            uri.MediaType,
            name switch
            {
                string text => text,
                JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
                _ => null,
            }
        );
    }
}
