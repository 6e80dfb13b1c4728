namespace Slipway.Rag.Reading;

/// <summary>The lines of a range of text, each with its line end: LF, CRLF or a CR alone.</summary>
internal struct LineRanges(string text, int start, int end)
{
    private int lineStart = start;
    private int lineEnd = start;

    /// <summary>The current line.</summary>
    public readonly Range Current => lineStart..lineEnd;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly LineRanges GetEnumerator() => this;

    /// <summary>Goes to the next line.</summary>
    public bool MoveNext()
    {
        lineStart = lineEnd;
        if (lineStart >= end)
        {
            return false;
        }

        var length = text.AsSpan(lineStart, end - lineStart).IndexOfAny('\r', '\n');
        lineEnd = length < 0 ? end : lineStart + length + 1;
        if (text[lineEnd - 1] == '\r' && lineEnd < end && text[lineEnd] == '\n')
        {
            lineEnd++;
        }

        return true;
    }
}
