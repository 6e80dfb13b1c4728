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
        int tokens = 0,
            run = 0;
        var previous = Kind.None;
        var previousChar = '\0';
        foreach (var c in text)
        {
            var kind = c < 128 ? Ascii[c] : Classify(c);
            // A run goes on while the kind stays; marks only while they repeat.
            run = kind == previous && (kind is not (Kind.Mark or Kind.Space) || c == previousChar) ? run + 1 : 0;
            tokens += kind switch
            {
                Kind.Latin => run % LettersPerToken == 0 ? 1 : 0,
                Kind.Foreign => run % ForeignLettersPerToken == 0 ? 1 : 0,
                Kind.Digit => run % DigitsPerToken == 0 ? 1 : 0,
                Kind.Space => c is '\n' ? (run % RepeatsPerToken == 0 ? 1 : 0) : (run % RepeatsPerToken == 1 ? 1 : 0),
                Kind.Mark => run % RepeatsPerToken == 0 ? 1 : 0,
                _ => 1,
            };
            previous = kind;
            previousChar = c;
        }

        return tokens;
    }

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
