using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Turns.Internal;

/// <summary>
/// Turns what a model streams in one step into events, and keeps the same as the contents of the stored message: the text as the user
/// saw it, with its citations as annotations.
/// </summary>
internal sealed class AnswerWriter(int step, TurnCitations citations, Action<TurnEvent> emit)
{
    private readonly List<AIContent> _contents = [];
    private readonly CitationFilter _filter = new();
    private readonly StringBuilder _text = new();
    private readonly List<(int Number, int Start, int End)> _markers = [];
    private bool _reasoning;
    private int _blocks;

    /// <summary>Whether a model call writes to it.</summary>
    public bool IsUsed { get; set; }

    public async ValueTask WriteTextAsync(string text, CancellationToken cancellationToken)
    {
        if (text.Length > 0)
        {
            Open(reasoning: false);
            await EmitAsync(_filter.Push(text), cancellationToken).ConfigureAwait(false);
        }
    }

    public void WriteReasoning(string text)
    {
        if (text.Length > 0)
        {
            Open(reasoning: true);
            _text.Append(text);
            emit(new ReasoningDelta(BlockId, text));
        }
    }

    /// <summary>Ends the open block and looks up what was cited last.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        Close();
        await EmitCitationsAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What was said so far, for the stored message. Ends the open block.</summary>
    public List<AIContent> TakeContents()
    {
        Close();
        List<AIContent> contents = [.. _contents];
        _contents.Clear();
        return contents;
    }

    private string BlockId => string.Create(CultureInfo.InvariantCulture, $"{step}.{_blocks}");

    private async ValueTask EmitAsync(List<CitationPiece> pieces, CancellationToken cancellationToken)
    {
        Write(pieces);
        await EmitCitationsAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Write(List<CitationPiece> pieces)
    {
        var start = _text.Length;
        foreach (var piece in pieces)
        {
            if (piece.Text is not null)
            {
                _text.Append(piece.Text);
            }
            else if (citations.Number(piece.Ref!, piece.Quote) is not { } number)
            {
                _text.Append("[?]"); // the model made the passage up: there is nothing that it could be held against
            }
            else
            {
                var from = _text.Length;
                _text.Append(CultureInfo.InvariantCulture, $"[{number}]");
                _markers.Add((number, from, _text.Length));
            }
        }

        if (_text.Length > start)
        {
            emit(new TextDelta(BlockId, _text.ToString(start, _text.Length - start)));
        }
    }

    private async ValueTask EmitCitationsAsync(CancellationToken cancellationToken)
    {
        foreach (var citation in await citations.VerifyAsync(cancellationToken).ConfigureAwait(false))
        {
            emit(new CitationAdded(citation));
        }
    }

    private void Open(bool reasoning)
    {
        if (_blocks == 0 || _reasoning != reasoning)
        {
            Close();
            _blocks++;
            _reasoning = reasoning;
        }
    }

    private void Close()
    {
        Write(_filter.Flush());
        if (_text.Length > 0)
        {
            AIContent content = _reasoning
                ? new TextReasoningContent(_text.ToString())
                : new TextContent(_text.ToString());
            content.Annotations =
            [
                .. _markers
                    .GroupBy(marker => marker.Number)
                    .Select(group =>
                        (
                            citations[group.Key] with
                            {
                                Quote = null,
                            }
                        ) // stored messages hold references, not copies
                        .ToAnnotation(
                            group.Select(marker => new TextSpanAnnotatedRegion
                            {
                                StartIndex = marker.Start,
                                EndIndex = marker.End,
                            })
                        )
                    ),
            ];
            _contents.Add(content);
        }

        _text.Clear();
        _markers.Clear();
    }
}
