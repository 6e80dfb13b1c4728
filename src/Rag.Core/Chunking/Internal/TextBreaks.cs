using System.Buffers;
using System.Globalization;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Chunking;

/// <summary>Finds the places inside running text where it may be cut.</summary>
internal static class TextBreaks
{
    /// <summary>A run without white space is cut into pieces of this many characters at most.</summary>
    private const int LongestPiece = 64;

    private static readonly SearchValues<char> SentenceOrLineEnds = SearchValues.Create(
        ".!?\u2026\u203D\u06D4\u061F\u0964\u0965\u104B\u1362\u17D4\u3002\uFF01\uFF0E\uFF1F\uFF61\r\n"
    );

    /// <summary>Scripts that put no space after a sentence.</summary>
    private static readonly SearchValues<char> NoSpaceEnds = SearchValues.Create(
        "\u3002\uFF01\uFF0E\uFF1F\uFF61\u104B"
    );

    private static readonly SearchValues<char> Closers = SearchValues.Create(
        "\"')]}\u00BB\u201D\u2019\u300D\u300F\uFF09\u3011\u300B*_`"
    );

    /// <summary>Ends of sentences and lines: each the position of the first character after, white space skipped.</summary>
    public static IEnumerable<(int Position, CutStrength Strength)> Sentences(string text, int start, int end)
    {
        for (var at = start; at < end; )
        {
            var found = text.AsSpan(at, end - at).IndexOfAny(SentenceOrLineEnds);
            if (found < 0)
            {
                yield break;
            }

            var mark = at + found;
            var next = mark + 1;
            var isLine = text[mark] is '\r' or '\n';
            while (!isLine && next < end && (SentenceOrLineEnds.Contains(text[next]) || Closers.Contains(text[next])))
            {
                if (text[next] is '\r' or '\n')
                {
                    break;
                }

                next++;
            }

            var position = SkipWhiteSpace(text, next, end);
            at = Math.Max(position, next);
            var isSentence =
                !isLine
                && (position > next || NoSpaceEnds.Contains(text[mark]))
                && EndsSentence(text, mark, position, start, end);
            var hasLine = text.AsSpan(mark, position - mark).ContainsAny('\r', '\n');
            if (position < end && (isSentence || hasLine) && IsGraphemeBoundary(text, position))
            {
                yield return (position, isSentence ? CutStrength.Sentence : CutStrength.Line);
            }
        }
    }

    /// <summary>Ends of lines; the one after a blank line is as good as the end of a sentence.</summary>
    public static IEnumerable<(int Position, CutStrength Strength)> Lines(string text, int start, int end)
    {
        var afterBlank = false;
        foreach (var line in new LineRanges(text, start, end))
        {
            if (text.AsSpan(line).IsWhiteSpace())
            {
                afterBlank = true;
                continue;
            }

            if (line.Start.Value > start)
            {
                yield return (line.Start.Value, afterBlank ? CutStrength.Sentence : CutStrength.Line);
            }

            afterBlank = false;
        }
    }

    /// <summary>Beginnings of words.</summary>
    public static IEnumerable<int> Words(string text, int start, int end)
    {
        for (var i = start + 1; i < end; i++)
        {
            if (char.IsWhiteSpace(text[i - 1]) && !char.IsWhiteSpace(text[i]) && IsGraphemeBoundary(text, i))
            {
                yield return i;
            }
        }
    }

    /// <summary>
    /// Places in a run without white space, between graphemes. Which, is decided by the characters before each, so that they stay where
    /// they are when the run is edited elsewhere.
    /// </summary>
    public static IEnumerable<int> Pieces(string text, int start, int end, int longest)
    {
        longest = Math.Clamp(longest, 1, LongestPiece);
        var piece = start;
        for (var i = start; i < end; )
        {
            var next = i + GraphemeLength(text, i, end);
            if (i > piece && (next - piece > longest || (text[i - 1] * 31 + text[Math.Max(start, i - 2)]) % 29 == 0))
            {
                yield return i;
                piece = i;
            }

            i = next;
        }
    }

    /// <summary>Whether cutting here leaves a grapheme whole, given white space or punctuation before.</summary>
    private static bool IsGraphemeBoundary(string text, int position) =>
        char.IsAscii(text[position]) || GraphemeLength(text, position - 1, text.Length) == 1;

    /// <summary>Length of the grapheme; what has more than <see cref="LongestPiece"/> characters is no grapheme but an attack.</summary>
    private static int GraphemeLength(string text, int start, int end)
    {
        if (start + 1 < end && char.IsAscii(text[start]) && text[start] != '\r' && char.IsAscii(text[start + 1]))
        {
            return 1;
        }

        var window = text.AsSpan(start, Math.Min(LongestPiece + 1, end - start));
        var length = StringInfo.GetNextTextElementLength(window);
        return length > LongestPiece ? LongestPiece - (char.IsHighSurrogate(window[LongestPiece - 1]) ? 1 : 0) : length;
    }

    /// <summary>A full stop is also in "e.g. this", "J. Smith" and "1. item".</summary>
    private static bool EndsSentence(string text, int mark, int next, int start, int end)
    {
        if (text[mark] != '.' || next >= end)
        {
            return true;
        }

        var word = mark;
        while (word > start && char.IsLetterOrDigit(text[word - 1]))
        {
            word--;
        }

        var isInitial = mark - word == 1 && char.IsUpper(text[word]);
        var isNumber =
            mark > word && char.IsAsciiDigit(text[word]) && (word == start || text[word - 1] is '\n' or '\r');
        return !isInitial && !isNumber && !char.IsLower(text[next]);
    }

    private static int SkipWhiteSpace(string text, int from, int end)
    {
        while (from < end && char.IsWhiteSpace(text[from]))
        {
            from++;
        }

        return from;
    }
}
