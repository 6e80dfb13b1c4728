using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;

namespace Slipway.Storage.Postgres.Importing;

/// <summary>A message of the older system as one of ours: what was said, and what was attached.</summary>
internal static class OlderMessage
{
    /// <returns>The role and the stored content; null when it is of no kind that a person or the assistant says.</returns>
    public static (string Role, string Content)? Convert(string json, string id)
    {
        using var document = JsonDocument.Parse(json);
        var message = document.RootElement;
        if (message.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        ChatRole? role = Text(message, "type") switch
        {
            "human" => ChatRole.User,
            "ai" => ChatRole.Assistant,
            _ => null,
        };
        if (role is not { } speaker)
        {
            return null;
        }

        List<AIContent> contents = [new TextContent(Text(message, "content") ?? "")];
        if (message.TryGetProperty("files", out var files) && files.ValueKind == JsonValueKind.Array)
        {
            contents.AddRange(files.EnumerateArray().Select(File));
        }

        return (speaker.Value, StoredMessage.Write(new ChatMessage(speaker, contents) { MessageId = id }));
    }

    private static AIContent File(JsonElement file)
    {
        if (file.ValueKind != JsonValueKind.Object)
        {
            return new TextContent("[An attachment that could not be read.]");
        }

        var name = Text(file, "fileName");
        var bytes = new byte[(Text(file, "content")?.Length ?? 0) * 3 / 4 + 3];
        var type = Text(file, "mimeType");
        return System.Convert.TryFromBase64String(Text(file, "content") ?? "", bytes, out var length) && length > 0
            ? new DataContent(
                bytes.AsMemory(0, length),
                System.Net.Http.Headers.MediaTypeHeaderValue.TryParse(type, out _) ? type! : "application/octet-stream"
            )
            {
                Name = name,
            }
            : new TextContent($"[The attachment {name} could not be read.]");
    }

    // Whatever stands where a text should is kept as its JSON.
    private static string? Text(JsonElement element, string property) =>
        !element.TryGetProperty(property, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.GetRawText();
}
