using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Hosting.Chat;
using static Slipway.Hosting.Conversations.StoredUIMessagePart;

namespace Slipway.Hosting.Conversations;

/// <summary>
/// Stored messages as a front end keeps them: what a turn's model calls and tools said, message by message, is one message of the assistant.
/// </summary>
internal sealed class StoredUIMessages(string attachments)
{
    private const int TurnMessageIdLength = 32;

    private readonly List<StoredUIMessage> _messages = [];
    private readonly List<StoredUIMessagePart> _parts = [];
    private readonly Dictionary<string, int> _calls = new(StringComparer.Ordinal);
    private ConversationMessage? _first;

    /// <summary>Messages in the order of the conversation.</summary>
    /// <param name="messages">As they are stored.</param>
    /// <param name="attachments">Where attachments are served, with a slash at the end.</param>
    public static IReadOnlyList<StoredUIMessage> From(IReadOnlyList<ConversationMessage> messages, string attachments)
    {
        var read = new StoredUIMessages(attachments);
        foreach (var message in messages)
        {
            read.Add(message);
        }

        read.Close();
        return read._messages;
    }

    private void Add(ConversationMessage stored)
    {
        var isUser = stored.Message.Role == ChatRole.User;
        if (isUser || _first is null || _first.Message.Role == ChatRole.User || _first.TurnId != stored.TurnId)
        {
            Close();
            _first = stored;
        }

        foreach (var content in stored.Message.Contents)
        {
            Add(content);
        }

        if (isUser)
        {
            Close();
        }
    }

    private void Add(AIContent content)
    {
        switch (content)
        {
            case TextReasoningContent { Text.Length: > 0 } reasoning:
                _parts.Add(new Reasoning(reasoning.Text));
                break;
            case TextContent { Text.Length: > 0 } text:
                _parts.Add(new Text(text.Text));
                _parts.AddRange(Sources(text));
                break;
            case UriContent when AttachmentReference.From(content) is { } reference:
                _parts.Add(
                    new StoredUIMessagePart.File(reference.MediaType, reference.Name, attachments + reference.Id)
                );
                break;
            case DataContent data:
                _parts.Add(new StoredUIMessagePart.File(data.MediaType, data.Name, data.Uri));
                break;
            case FunctionCallContent call:
                _calls[call.CallId] = _parts.Count;
                _parts.Add(new Tool(call.Name, call.CallId, "input-available", Input(call), null));
                break;
            case FunctionResultContent result when _calls.TryGetValue(result.CallId, out var place):
                _parts[place] = (Tool)_parts[place] with { State = "output-available", Output = Output(result) };
                break;
        }
    }

    private void Close()
    {
        if (_first is { } first && _parts.Count > 0)
        {
            _messages.Add(
                new StoredUIMessage(
                    Id(first),
                    first.Message.Role == ChatRole.User ? "user" : "assistant",
                    [.. _parts],
                    new StoredMessageMetadata(first.CreatedAt, first.TurnId, first.TurnStatus)
                )
            );
        }

        _parts.Clear();
        _calls.Clear();
        _first = null;
    }

    /// <summary>The id under which the turn was streamed: messages of its steps are stored under that id with a suffix.</summary>
    private static string Id(ConversationMessage first)
    {
        var id = first.Message.MessageId!;
        return
            first.TurnId is not null
            && first.Message.Role != ChatRole.User
            && id.IndexOf('.', StringComparison.Ordinal) == TurnMessageIdLength
            ? id[..TurnMessageIdLength]
            : id;
    }

    private static IEnumerable<SourceDocument> Sources(TextContent text) =>
        from annotation in text.Annotations?.OfType<CitationAnnotation>() ?? []
        let citation = annotation.ToCitation()
        where citation is not null
        let source = UIMessageStream.Source(citation)
        select new SourceDocument(
            source.SourceId,
            source.MediaType,
            source.Title,
            source.Filename,
            source.ProviderMetadata
        );

    private static JsonElement Input(FunctionCallContent call) =>
        JsonSerializer.SerializeToElement(
            call.Arguments ?? new Dictionary<string, object?>(0),
            ConversationJsonContext.Default.IDictionaryStringObject
        );

    // Stored results are JSON already.
    private static JsonElement Output(FunctionResultContent result) =>
        result.Result is JsonElement json
            ? json
            : JsonSerializer.SerializeToElement(
                result.Result?.ToString() ?? "",
                ConversationJsonContext.Default.String
            );
}
