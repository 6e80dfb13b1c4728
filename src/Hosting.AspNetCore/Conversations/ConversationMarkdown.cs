using System.Globalization;
using System.Text;

namespace Slipway.Hosting.Conversations;

/// <summary>A conversation for people to keep: what was said, and which documents it relies on.</summary>
internal static class ConversationMarkdown
{
    public static string Write(ConversationExport export)
    {
        var markdown = new StringBuilder();
        markdown.Append("# ").Append(Line(export.Conversation.Title ?? "Conversation")).Append("\n\n");
        foreach (var message in export.Messages)
        {
            var parts = message.Parts;
            if (!parts.Any(part => part is StoredUIMessagePart.Text or StoredUIMessagePart.File))
            {
                continue; // tools alone
            }

            markdown.Append(
                CultureInfo.InvariantCulture,
                $"## {(message.Role == "user" ? "User" : "Assistant")}, {message.Metadata.CreatedAt:yyyy-MM-dd HH:mm} UTC\n\n"
            );
            foreach (var part in parts)
            {
                switch (part)
                {
                    case StoredUIMessagePart.Text text:
                        markdown.Append(text.Content.Trim()).Append("\n\n");
                        break;
                    case StoredUIMessagePart.File file:
                        markdown.Append("Attachment: ").Append(Line(file.Filename ?? file.MediaType)).Append("\n\n");
                        break;
                }
            }

            var sources = parts
                .OfType<StoredUIMessagePart.SourceDocument>()
                .Select(source => source.ProviderMetadata.Slipway)
                .DistinctBy(source => source.Number)
                .OrderBy(source => source.Number)
                .ToList();
            foreach (var source in sources)
            {
                markdown.Append(
                    CultureInfo.InvariantCulture,
                    $"- [{source.Number}] {Line(source.Name)}{(source.Verified ? "" : " (not verified)")}\n"
                );
            }

            markdown.Append(sources.Count > 0 ? "\n" : "");
        }

        return markdown.ToString().TrimEnd() + "\n";
    }

    private static string Line(string text) =>
        string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
