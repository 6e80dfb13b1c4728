using System.Globalization;
using System.Text;
using Slipway.Agents.Turns;
using Slipway.Hosting.Chat;

namespace Slipway.Hosting.Completions;

/// <summary>
/// Turn events as parts of a completion. The agent's own tools stay inside; only what the caller must act on is shown: text, reasoning,
/// calls of the caller's tools, citations. One instance a turn.
/// </summary>
/// <param name="documentUrl">The address of a cited place on this server, for documents without a web address of their own.</param>
internal sealed class CompletionProjection(Func<PassageReference, string> documentUrl)
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<AnswerToolCall> _calls = [];
    private readonly List<Annotation> _annotations = [];
    private int _searchedTo;

    public string TurnId { get; private set; } = "";

    public TurnFailed? Failure { get; private set; }

    public string FinishReason { get; private set; } = "stop";

    public CompletionUsage? Usage { get; private set; }

    /// <summary>The message as far as it is known.</summary>
    public AnswerMessage Message =>
        new()
        {
            Role = "assistant",
            Content = _text.ToString(),
            ReasoningContent = _reasoning.Length == 0 ? null : _reasoning.ToString(),
            ToolCalls = _calls.Count == 0 ? null : [.. _calls.Select(call => call with { Index = null })],
            Annotations = _annotations.Count == 0 ? null : _annotations,
        };

    /// <summary>What an event adds to the message; null when the caller sees nothing of it.</summary>
    public AnswerMessage? Project(TurnEvent turnEvent)
    {
        switch (turnEvent)
        {
            case TurnStarted started:
                TurnId = started.TurnId;
                return null;
            case TextDelta text:
                _text.Append(text.Text);
                return new AnswerMessage { Content = text.Text };
            case ReasoningDelta reasoning:
                _reasoning.Append(reasoning.Text);
                return new AnswerMessage { ReasoningContent = reasoning.Text };
            case ToolCallStarted { ByCaller: true } started:
                var call = new AnswerToolCall(
                    _calls.Count,
                    started.CallId,
                    "function",
                    new FunctionCall(started.Name, started.Arguments.GetRawText())
                );
                _calls.Add(call);
                return new AnswerMessage { ToolCalls = [call] };
            case CitationAdded { Citation: var citation }:
                var annotation = Annotate(citation);
                _annotations.Add(annotation);
                return new AnswerMessage { Annotations = [annotation] };
            case TurnFailed failed:
                Failure = failed;
                return null;
            case TurnFinished finished:
                FinishReason =
                    _calls.Count > 0 ? "tool_calls"
                    : finished.FinishReason is "length" or "content_filter" ? finished.FinishReason
                    : "stop";
                Usage = finished.Usage is { } usage
                    ? new(usage.InputTokens, usage.OutputTokens, usage.InputTokens + usage.OutputTokens)
                    : null;
                return null;
            default:
                return null;
        }
    }

    private Annotation Annotate(Citation citation)
    {
        var marker = string.Create(CultureInfo.InvariantCulture, $"[{citation.Number}]");
        var text = _text.ToString();
        var start = text.IndexOf(marker, Math.Min(_searchedTo, text.Length), StringComparison.Ordinal);
        if (start < 0)
        {
            start = Math.Max(0, text.LastIndexOf(marker, StringComparison.Ordinal));
        }

        _searchedTo = start;
        var uri = WebUri.OrNull(citation.Uri);
        return new Annotation(
            new UrlCitation(
                start,
                Math.Min(start + marker.Length, text.Length),
                uri ?? documentUrl(citation.Passage),
                citation.Title
            ),
            CitedPassage.From(citation)
        );
    }
}
