using System.Globalization;

namespace Slipway.Rag.Chunking;

/// <summary>Counts tokens without a vocabulary: by the runs of letters, digits and marks that tokenizers begin with.</summary>
/// <remarks>
/// One pass, no allocation; never more than one token a UTF-16 code unit. Measured in passages of 1,500 characters against the o200k
/// vocabulary (median; 5th to 95th percentile): English prose 0.98 (0.83 to 1.10) of the real count, technical Markdown 1.11 (0.99 to
/// 1.25), C# 1.21 (1.12 to 1.34). Other alphabets are counted up to 1.7 times too high: a limit holds rather too early than too late.
/// </remarks>
public sealed class TokenEstimator : ITokenCounter
{
    /// <summary>Letters of a Latin word that one token takes after the first.</summary>
    private const int LettersPerToken = 9;

    /// <summary>The same for other alphabets, which have a smaller share of every vocabulary.</summary>
    private const int ForeignLettersPerToken = 3;

    /// <summary>Tokenizers take digits by three.</summary>
    private const int DigitsPerToken = 3;

    /// <summary>Repeated marks and white space (rules, indentation) are single tokens up to about this length.</summary>
    private const int RepeatsPerToken = 16;

    private enum Kind : byte
    {
        None,
        Space,
        Latin,
        Foreign,
        Digit,
        Ideograph,
        Mark,
    }

    private static readonly Kind[] Ascii = [.. Enumerable.Range(0, 128).Select(c => Classify((char)c))];

    /// <summary>The estimator.</summary>
    public static TokenEstimator Instance { get; } = new();

    /// <inheritdoc/>
    public string Fingerprint => "estimate/1";

    /// <inheritdoc/>
    public int Count(ReadOnlySpan<char> text)
    {
        var tokens = 0;
        for (var start = 0; start < text.Length; )
        {
            // A run goes on while the kind stays; marks and white space only while they repeat.
            var first = text[start];
            var kind = KindOf(first);
            var end = start + 1;
            if (kind is Kind.Mark or Kind.Space)
            {
                while (end < text.Length && text[end] == first)
                {
                    end++;
                }
            }
            else
            {
                while (end < text.Length && KindOf(text[end]) == kind)
                {
                    end++;
                }
            }

            tokens += kind switch
            {
                Kind.Latin => Shares(end - start, LettersPerToken),
                Kind.Foreign => Shares(end - start, ForeignLettersPerToken),
                Kind.Digit => Shares(end - start, DigitsPerToken),
                // A single space belongs to the word after it.
                Kind.Space => Shares(end - start - (first == '\n' ? 0 : 1), RepeatsPerToken),
                Kind.Mark => Shares(end - start, RepeatsPerToken),
                _ => end - start,
            };
            start = end;
        }

        return tokens;
    }

    private static int Shares(int length, int share) => (length + share - 1) / share;

    private static Kind KindOf(char c) => c < 128 ? Ascii[c] : Classify(c);

    private static Kind Classify(char c) =>
        c switch
        {
            // Han, kana, Hangul and their punctuation.
            >= '\u2E80'
            and <= '\u9FFF'
            or >= '\uAC00'
            and <= '\uD7AF'
            or >= '\uF900'
            and <= '\uFAFF'
            or >= '\uFF00'
            and <= '\uFFEF' => Kind.Ideograph,
            _ => char.GetUnicodeCategory(c) switch
            {
                UnicodeCategory.DecimalDigitNumber => Kind.Digit,
                UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter
                or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark => c < '\u0250' ? Kind.Latin : Kind.Foreign,
                UnicodeCategory.SpaceSeparator
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.Control => Kind.Space,
                _ => Kind.Mark,
            },
        };
}
