using System.Text;

namespace Slipway.Rag.Reading;

/// <summary>
/// The records of delimited text, one after the other: RFC 4180, and what real files do beyond it (text after a closing quote, a
/// quote that the end of the file closes, spaces before a quote, any line end). Our own, because the libraries for it are not free of
/// warnings when published ahead of time, which the cores promise.
/// </summary>
internal sealed class CsvRecords(string text, CsvDialect dialect, int largestRecord)
{
    private readonly List<(int Start, int Length, bool IsUnescaped)> _cells = [];
    private readonly StringBuilder _unescaped = new();
    private string _unescapedText = "";
    private int _position;

    /// <summary>Cells of the current record.</summary>
    public int Count => _cells.Count;

    /// <summary>A cell of the current record, without its quotes. Valid until the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<char> this[int cell]
    {
        get
        {
            var (start, length, isUnescaped) = _cells[cell];
            return (isUnescaped ? _unescapedText : text).AsSpan(start, length);
        }
    }

    /// <summary>Goes to the next record; empty lines are not records.</summary>
    /// <exception cref="FormatException">The record is larger than any real one: a quote that never ends.</exception>
    public bool Read()
    {
        while (_position < text.Length && text[_position] is '\r' or '\n')
        {
            _position++;
        }

        if (_position >= text.Length)
        {
            return false;
        }

        _cells.Clear();
        _unescaped.Clear();
        var start = _position;
        do
        {
            ReadCell();
            if (_position - start > largestRecord)
            {
                throw new FormatException(
                    $"The record at character {start} is longer than {largestRecord} characters."
                );
            }
        } while (_position < text.Length && text[_position++] == dialect.Delimiter);

        _unescapedText = _unescaped.ToString();
        return true;
    }

    /// <summary>Ends on the delimiter, the line end or the end of the text.</summary>
    private void ReadCell()
    {
        var start = _position;
        var quote = start;
        while (quote < text.Length && text[quote] == ' ')
        {
            quote++;
        }

        if (quote < text.Length && text[quote] == dialect.Quote)
        {
            ReadQuoted(quote + 1);
            return;
        }

        _position = EndOfPlain(start);
        _cells.Add((start, _position - start, false));
    }

    private void ReadQuoted(int start)
    {
        var unescapedStart = _unescaped.Length;
        var from = start;
        while (true)
        {
            var quote = text.IndexOf(dialect.Quote, from);
            quote = quote < 0 ? text.Length : quote;
            if (quote + 1 < text.Length && text[quote + 1] == dialect.Quote)
            {
                _unescaped.Append(text, from, quote + 1 - from); // a doubled quote stands for one
                from = quote + 2;
                continue;
            }

            var afterQuote = Math.Min(quote + 1, text.Length);
            _position = EndOfPlain(afterQuote);
            var tail = text.AsSpan(afterQuote, _position - afterQuote).TrimEnd(' ');
            if (_unescaped.Length == unescapedStart && tail.IsEmpty)
            {
                _cells.Add((start, quote - start, false));
                return;
            }

            _unescaped.Append(text, from, quote - from).Append(tail);
            _cells.Add((unescapedStart, _unescaped.Length - unescapedStart, true));
            return;
        }
    }

    private int EndOfPlain(int start)
    {
        var length = text.AsSpan(start).IndexOfAny(dialect.Delimiter, '\r', '\n');
        return length < 0 ? text.Length : start + length;
    }
}
