using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Turns.Internal;

/// <summary>How far a turn had come when its owner was lost, by its log and its steps.</summary>
/// <remarks>
/// A step's messages are stored in the transaction of its <see cref="StepFinished"/>. So only the step that has none is open: what it said
/// is in the log alone, and of its tools some have ended and others nobody knows.
/// </remarks>
internal sealed partial class TurnProgress
{
    private readonly List<TurnEvent> _events;
    private readonly List<TurnEvent> _open = [];

    public TurnProgress(string turnId, IReadOnlyList<LoggedTurnEvent> log, IReadOnlyList<TurnStep> steps)
    {
        List<TurnEvent> events = [.. log.Select(logged => logged.Event).OfType<TurnEvent>()];
        (_events, Steps, LastSequence) = (events, steps, log is [.., var last] ? last.Sequence : 0);
        MessageId = events.OfType<TurnStarted>().FirstOrDefault()?.MessageId ?? turnId;
        foreach (var happened in events)
        {
            switch (happened)
            {
                case StepStarted started:
                    Step = started.Number;
                    _open.Clear();
                    IsOpen = true;
                    break;
                case StepFinished finished:
                    Usage = TurnUsage.Add(Usage, finished.Usage);
                    _open.Clear();
                    IsOpen = false;
                    break;
                default:
                    _open.Add(happened);
                    break;
            }
        }

        LastCitation = events.OfType<CitationAdded>().Select(added => added.Citation.Number).Append(0).Max();
        var text = string.Concat(events.OfType<TextDelta>().Select(delta => delta.Text));
        while (Marks(text, LastCitation + 1).Count > 0)
        {
            LastCitation++; // its text was committed, and what it cites was not
        }
    }

    /// <summary>The number of the last event.</summary>
    public long LastSequence { get; }

    public IReadOnlyList<TurnStep> Steps { get; }

    public string MessageId { get; }

    /// <summary>The number of the last model call.</summary>
    public int Step { get; }

    /// <summary>Whether that step's messages are not stored.</summary>
    public bool IsOpen { get; }

    public TurnUsage? Usage { get; }

    /// <summary>The highest number of a citation that users have seen.</summary>
    public int LastCitation { get; }

    /// <summary>The calls of the open step, each with its step and whether its end was told.</summary>
    public IReadOnlyList<(ToolCallStarted Call, TurnStep Step, bool IsTold)> Calls =>
        [
            .. _open
                .OfType<ToolCallStarted>()
                .Zip(
                    Steps.Reverse().TakeWhile(step => step.Kind == TurnStepKind.Tool).Reverse(),
                    (call, step) =>
                        (call, step, _open.OfType<ToolCallFinished>().Any(finished => finished.CallId == call.CallId))
                ),
        ];

    /// <summary>What the open step said, with its citations: users have seen it.</summary>
    public List<AIContent> Said()
    {
        List<(string Id, bool IsReasoning, StringBuilder Text)> blocks = [];
        foreach (var happened in _open)
        {
            var (id, isReasoning, text) = happened switch
            {
                TextDelta delta => (delta.BlockId, false, delta.Text),
                ReasoningDelta delta => (delta.BlockId, true, delta.Text),
                _ => ("", false, ""),
            };
            if (text.Length > 0 && (blocks is not [.., var last] || last.Id != id))
            {
                blocks.Add((id, isReasoning, new StringBuilder()));
            }

            if (text.Length > 0)
            {
                blocks[^1].Text.Append(text);
            }
        }

        return [.. blocks.Select(block => Content(block.IsReasoning, block.Text.ToString()))];
    }

    private AIContent Content(bool isReasoning, string text) =>
        isReasoning
            ? new TextReasoningContent(text)
            : new TextContent(text)
            {
                Annotations =
                [
                    .. _events
                        .OfType<CitationAdded>()
                        .Select(added => (added.Citation, Marks: Marks(text, added.Citation.Number)))
                        .Where(cited => cited.Marks.Count > 0)
                        .Select(cited => cited.Citation.ToAnnotation(cited.Marks)),
                ],
            };

    private static List<TextSpanAnnotatedRegion> Marks(string text, int number) =>
        [
            .. Marker()
                .Matches(text)
                .Where(match => match.ValueSpan[1..^1].SequenceEqual(number.ToString(CultureInfo.InvariantCulture)))
                .Select(match => new TextSpanAnnotatedRegion
                {
                    StartIndex = match.Index,
                    EndIndex = match.Index + match.Length,
                }),
        ];

    [GeneratedRegex(@"\[[0-9]{1,4}\]", RegexOptions.None, 1_000)]
    private static partial Regex Marker();
}
