using System.Text;

namespace Slipway.Agents.Turns.Internal;

/// <summary>
/// Finds markers such as <c>[[p1]]</c>, <c>[[p1, p2]]</c> and <c>[[p1: "quote"]]</c> in streamed text. Works character by character,
/// so the result does not depend on how the stream was cut; only what may still become a marker is held back.
/// </summary>
internal sealed class CitationFilter
{
    /// <summary>A marker longer than this is text: a model that never closes one must not stop the stream.</summary>
    internal const int MaxMarkerLength = 1_200;

    private const string OpeningQuotes = "\"“”„«»'‘’‹";
    private const string DoubleClosers = "\"“”„»«";
    private const string SingleClosers = "'’‘›";

    private readonly StringBuilder _held = new();
    private readonly List<string> _refs = [];
    private State _state;
    private int _refStart;
    private int _quoteStart;
    private int _quoteEnd;
    private bool _single;

    private enum State
    {
        Text,
        Bracket,
        BeforeRef,
        RefLetter,
        Ref,
        AfterRef,
        Colon,
        Bare,
        BareClosing,
        Quote,
        Escape,
        QuoteEnd,
        QuoteClosing,
        Closing,
    }

    private enum Step
    {
        Hold,
        Done,
        Reject,
    }

    /// <summary>Takes more text and gives what is decided: text and markers, in order.</summary>
    public List<CitationPiece> Push(ReadOnlySpan<char> delta)
    {
        var output = new Output();
        foreach (var character in delta)
        {
            Take(character, output);
        }

        return output.Finish();
    }

    /// <summary>The end of the text: what is still held back is text.</summary>
    public List<CitationPiece> Flush()
    {
        var output = new Output();
        while (_held.Length > 0)
        {
            Release(output);
        }

        return output.Finish();
    }

    private void Take(char character, Output output)
    {
        if (_state == State.Text && character != '[')
        {
            output.Text.Append(character);
            return;
        }

        _held.Append(character);
        switch (_held.Length > MaxMarkerLength ? Step.Reject : Advance(character))
        {
            case Step.Done:
                output.AddMarker(_refs, Quote());
                Reset();
                break;
            case Step.Reject:
                Release(output);
                break;
        }
    }

    /// <summary>The first character held is text after all; what follows it may still begin a marker.</summary>
    private void Release(Output output)
    {
        var held = _held.ToString();
        Reset();
        output.Text.Append(held[0]);
        foreach (var character in held.AsSpan(1))
        {
            Take(character, output);
        }
    }

    private void Reset()
    {
        _held.Clear();
        _refs.Clear();
        _state = State.Text;
        _quoteStart = _quoteEnd = 0;
    }

    private Step Advance(char c)
    {
        var at = _held.Length - 1;
        switch (_state)
        {
            case State.Text:
                return Go(State.Bracket);
            case State.Bracket:
                return c == '[' ? Go(State.BeforeRef) : Step.Reject;
            case State.BeforeRef when c is 'p' or 'P':
                _refStart = at;
                return Go(State.RefLetter);
            case State.RefLetter:
                return char.IsAsciiDigit(c) ? Go(State.Ref) : Step.Reject;
            case State.Ref when char.IsAsciiDigit(c):
                return at - _refStart < 7 ? Step.Hold : Step.Reject;
            case State.Ref:
                _refs.Add("p" + _held.ToString(_refStart + 1, at - _refStart - 1));
                return AfterRef(c);
            case State.AfterRef:
                return AfterRef(c);
            case State.BeforeRef or State.Colon when char.IsWhiteSpace(c):
                return Step.Hold;
            case State.Colon when OpeningQuotes.Contains(c, StringComparison.Ordinal):
                _quoteStart = at + 1;
                _single = SingleClosers.Contains(c, StringComparison.Ordinal) || c == '‹';
                return Go(State.Quote);
            case State.Colon when c is not ('[' or ']'):
                _quoteStart = at;
                return Go(State.Bare);
            case State.Bare when c == ']':
                _quoteEnd = at;
                return Go(State.BareClosing);
            case State.Bare:
                return Step.Hold;
            case State.BareClosing:
                return c == ']' ? Step.Done : Go(State.Bare);
            case State.Escape:
                return Go(State.Quote);
            case State.Quote or State.QuoteEnd or State.QuoteClosing:
                return InQuote(c, at);
            case State.Closing:
                return c == ']' ? Step.Done : Step.Reject;
            default:
                return Step.Reject;
        }
    }

    private Step AfterRef(char c) =>
        c switch
        {
            ':' when _refs.Count == 1 => Go(State.Colon),
            ',' or ';' => Go(State.BeforeRef),
            ']' => Go(State.Closing),
            _ when char.IsWhiteSpace(c) => Go(State.AfterRef),
            _ => Step.Reject,
        };

    // Models seldom escape quotes inside a quote, so one ends the quote only when the marker's end follows.
    private Step InQuote(char c, int at)
    {
        if (c == ']' && _state == State.QuoteClosing)
        {
            return Step.Done;
        }

        if ((_single ? SingleClosers : DoubleClosers).Contains(c, StringComparison.Ordinal))
        {
            _quoteEnd = at;
            return Go(State.QuoteEnd);
        }

        return c switch
        {
            ']' when _state == State.QuoteEnd => Go(State.QuoteClosing),
            '\\' => Go(State.Escape),
            _ when _state == State.QuoteEnd && char.IsWhiteSpace(c) => Step.Hold,
            _ => Go(State.Quote),
        };
    }

    private string? Quote() => _quoteStart == 0 ? null : _held.ToString(_quoteStart, _quoteEnd - _quoteStart).Trim();

    private Step Go(State state)
    {
        _state = state;
        return Step.Hold;
    }

    private sealed class Output
    {
        private readonly List<CitationPiece> _pieces = [];

        public StringBuilder Text { get; } = new();

        public void AddMarker(List<string> refs, string? quote)
        {
            Finish();
            foreach (var name in refs)
            {
                _pieces.Add(new(null, name, quote));
            }
        }

        public List<CitationPiece> Finish()
        {
            if (Text.Length > 0)
            {
                _pieces.Add(new(Text.ToString()));
                Text.Clear();
            }

            return _pieces;
        }
    }
}

/// <summary>Text, or a marker: the passage's name and, if given, the quote as the model wrote it.</summary>
internal readonly record struct CitationPiece(string? Text, string? Ref = null, string? Quote = null);
