using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Context;

/// <summary>
/// Makes stored messages into what the model saw: passages get their text back from the documents, and numbers in answers become
/// markers again, named as in this turn, so that the model can cite what it found earlier and sees how it is done.
/// </summary>
internal sealed class HistoryReader(
    TurnPassages passages,
    IPassageReader? reader,
    MessageAttachments attachments,
    Principal principal,
    string conversationId
)
{
    private const int CharactersPerToken = 4;
    private const int TokensPerAttachment = 1_000;

    public static int EstimateTokens(ChatMessage message) =>
        message.Contents.Sum(content =>
            content switch
            {
                TextContent text => text.Text.Length / CharactersPerToken,
                FunctionResultContent { Result: string text } => text.Length / CharactersPerToken,
                FunctionResultContent { Result: JsonElement json } => json.GetRawText().Length / CharactersPerToken,
                DataContent or UriContent => TokensPerAttachment,
                _ => 0,
            }
        );

    /// <summary>The messages of one exchange.</summary>
    public async Task<List<ChatMessage>> ReadAsync(
        IEnumerable<ChatMessage> exchange,
        CancellationToken cancellationToken
    )
    {
        List<ChatMessage> messages = [];
        foreach (var message in exchange)
        {
            ChatMessage read = new(message.Role, []);
            foreach (var content in message.Contents)
            {
                switch (content)
                {
                    case TextReasoningContent:
                        break; // said to no one; the model makes new ones
                    case TextContent text:
                        read.Contents.Add(new TextContent(RestoreMarkers(text)));
                        break;
                    case FunctionResultContent result:
                        read.Contents.Add(await ReadResultAsync(result, cancellationToken).ConfigureAwait(false));
                        break;
                    case UriContent when AttachmentReference.From(content) is { } reference:
                        read.Contents.Add(
                            await attachments
                                .LoadAsync(reference, principal, conversationId, cancellationToken)
                                .ConfigureAwait(false)
                        );
                        break;
                    default:
                        read.Contents.Add(content);
                        break;
                }
            }

            messages.Add(read);
        }

        RemoveUnpaired(messages);
        return [.. messages.Where(message => message.Contents.Count > 0)];
    }

    // A row that could not be read leaves a call without result or the other way round, and every provider refuses that.
    private static void RemoveUnpaired(List<ChatMessage> messages)
    {
        var contents = messages.SelectMany(message => message.Contents).ToList();
        var calls = contents
            .OfType<FunctionCallContent>()
            .Select(call => call.CallId)
            .ToHashSet(StringComparer.Ordinal);
        var results = contents
            .OfType<FunctionResultContent>()
            .Select(result => result.CallId)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var message in messages)
        {
            message.Contents =
            [
                .. message.Contents.Where(content =>
                    content switch
                    {
                        FunctionCallContent call => results.Contains(call.CallId),
                        FunctionResultContent result => calls.Contains(result.CallId),
                        _ => true,
                    }
                ),
            ];
        }
    }

    private async ValueTask<FunctionResultContent> ReadResultAsync(
        FunctionResultContent result,
        CancellationToken cancellationToken
    )
    {
        if (result.Result is not JsonElement json)
        {
            return result;
        }

        if (ToolOutcome.ReadSearch(json) is not { } search)
        {
            return new ToolOutcome(json).ForModel(result.CallId);
        }

        List<SearchPassage> read = [];
        foreach (var passage in search.Passages)
        {
            var text = reader is null
                ? null
                : await reader.ReadAsync(passage.Reference, principal, cancellationToken).ConfigureAwait(false);
            read.Add(passage with { Text = text });
        }

        return new ToolOutcome(json, search with { Passages = read }).Register(passages).ForModel(result.CallId);
    }

    private string RestoreMarkers(TextContent content)
    {
        if (content.Annotations is not { Count: > 0 } annotations)
        {
            return content.Text;
        }

        StringBuilder text = new(content.Text);
        var markers =
            from annotation in annotations.OfType<CitationAnnotation>()
            let name = annotation.ToCitation() is { } citation ? passages.FindName(citation.Passage) : null
            where name is not null
            from region in annotation.AnnotatedRegions?.OfType<TextSpanAnnotatedRegion>() ?? []
            where region.StartIndex >= 0 && region.EndIndex > region.StartIndex && region.EndIndex <= text.Length
            orderby region.StartIndex descending
            select (Name: name, Start: region.StartIndex!.Value, End: region.EndIndex!.Value);
        foreach (var (name, start, end) in markers.ToList())
        {
            text.Remove(start, end - start).Insert(start, $"[[{name}]]");
        }

        return text.ToString();
    }
}
