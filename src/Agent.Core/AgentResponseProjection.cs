using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Agents;

/// <summary>A turn's events as updates and as a response of the agent framework.</summary>
internal sealed class AgentResponseProjection(string agentId, string agentName)
{
    private readonly List<ChatMessage> _messages = [];
    private readonly List<Citation> _citations = [];
    private readonly StringBuilder _text = new();
    private string? _messageId;
    private string? _turnId;
    private string? _block;
    private TurnFinished? _end;

    /// <summary>The update for an event; null for one that the framework has no word for.</summary>
    /// <exception cref="SlipwayException">The turn failed.</exception>
    public AgentResponseUpdate? Project(TurnEvent happened)
    {
        switch (happened)
        {
            case TurnStarted started:
                (_turnId, _messageId) = (started.TurnId, started.MessageId);
                return null;
            case TextDelta delta:
                if (_block != delta.BlockId)
                {
                    CloseText();
                    _block = delta.BlockId;
                }

                _text.Append(delta.Text);
                return Update(ChatRole.Assistant, new TextContent(delta.Text));
            case ReasoningDelta delta:
                return Update(ChatRole.Assistant, new TextReasoningContent(delta.Text));
            case ToolCallStarted call:
                FunctionCallContent asked = new(call.CallId, call.Name, Arguments(call.Arguments))
                {
                    InformationalOnly = !call.ByCaller,
                };
                Add(ChatRole.Assistant, asked);
                return Update(ChatRole.Assistant, asked);
            case ToolCallFinished call:
                FunctionResultContent result = new(call.CallId, call.Result);
                Add(ChatRole.Tool, result);
                return Update(ChatRole.Tool, result);
            case CitationAdded added:
                _citations.Add(added.Citation);
                return Update(
                    ChatRole.Assistant,
                    new TextContent("") { Annotations = [added.Citation.ToAnnotation()] }
                );
            case TurnFailed failed:
                throw new SlipwayException(failed.Class, failed.Message);
            case TurnFinished end:
                _end = end;
                var last = Update(ChatRole.Assistant, end.Usage is null ? null : new UsageContent(Usage(end.Usage)));
                last.FinishReason = new(end.FinishReason);
                return last;
            default:
                return null;
        }
    }

    /// <summary>The whole response: messages in order, each citation on the text that its marker stands in.</summary>
    public AgentResponse ToResponse()
    {
        CloseText();
        return new AgentResponse(_messages)
        {
            AgentId = agentId,
            ResponseId = _turnId,
            FinishReason = _end is null ? null : new(_end.FinishReason),
            Usage = _end?.Usage is { } usage ? Usage(usage) : null,
        };
    }

    private AgentResponseUpdate Update(ChatRole role, AIContent? content) =>
        new(role, content is null ? [] : [content])
        {
            AgentId = agentId,
            AuthorName = agentName,
            ResponseId = _turnId,
            MessageId = role == ChatRole.Tool ? _messageId + ".tools" : _messageId,
        };

    private void CloseText()
    {
        if (_text.Length > 0)
        {
            var text = _text.ToString();
            _text.Clear();
            Add(ChatRole.Assistant, new TextContent(text));
        }
    }

    private void Add(ChatRole role, AIContent content)
    {
        CloseText();
        if (_messages.Count == 0 || _messages[^1].Role != role)
        {
            _messages.Add(new(role, []) { AuthorName = agentName, MessageId = _messageId });
        }

        _messages[^1].Contents.Add(content);
        if (content is TextContent text)
        {
            text.Annotations = [.. _citations.Select(citation => Annotate(citation, text.Text)).OfType<AIAnnotation>()];
        }
    }

    private static CitationAnnotation? Annotate(Citation citation, string text)
    {
        var marker = string.Create(CultureInfo.InvariantCulture, $"[{citation.Number}]");
        List<TextSpanAnnotatedRegion> regions = [];
        for (var at = text.IndexOf(marker, StringComparison.Ordinal); at >= 0; )
        {
            regions.Add(new() { StartIndex = at, EndIndex = at + marker.Length });
            at = text.IndexOf(marker, at + marker.Length, StringComparison.Ordinal);
        }

        return regions.Count == 0 ? null : citation.ToAnnotation(regions);
    }

    private static UsageDetails Usage(TurnUsage usage) =>
        new()
        {
            InputTokenCount = usage.InputTokens,
            OutputTokenCount = usage.OutputTokens,
            TotalTokenCount = usage.InputTokens + usage.OutputTokens,
        };

    private static Dictionary<string, object?> Arguments(JsonElement arguments) =>
        arguments
            .EnumerateObject()
            .ToDictionary(argument => argument.Name, argument => (object?)argument.Value, StringComparer.Ordinal);
}
