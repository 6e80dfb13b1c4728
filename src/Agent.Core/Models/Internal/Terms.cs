using System.Buffers;

namespace Slipway.Agents.Models.Internal;

/// <summary>The words of a text that carry meaning, lightly stemmed; two characters at a time where words are not spaced.</summary>
internal static class Terms
{
    private static readonly HashSet<string> Function =
    [
        .. (
            "a about again all also am an and any are as at be been big but by can could did do does doing for from get give had has have how i if in "
            + "into is it its just let like long make may me more most much must my no not of often on or our out please s shall she should show so "
            + "some such t tell than that the their them then there these they this those to too under up us use very was we were what when "
            + "where which while who whom whose why will with would you your"
        ).Split(' '),
    ];

    private static readonly HashSet<string> Pointing =
    [
        .. "it its they them their that this these those he she his her there one ones so then same".Split(' '),
    ];

    private static readonly SearchValues<char> Vowels = SearchValues.Create("aeiouy");

    /// <summary>Whether a question leans on the one before: very short, or made of pronouns.</summary>
    public static bool LeansOnContext(string question)
    {
        var words = Words(question).ToList();
        var content = words.Where(word => !Function.Contains(word)).Distinct(StringComparer.Ordinal).Count();
        return content <= 1
            || (content <= 3 && words.Any(Pointing.Contains))
            || words is ["and" or "also" or "but", ..];
    }

    /// <summary>Whether a question asks for a way to do something.</summary>
    public static bool AsksHow(string question) =>
        Words(question)
            .Zip(Words(question).Skip(1))
            .Any(pair => pair is ("how", "do" or "to" or "can" or "should" or "must"));

    /// <summary>The terms of a text, each once.</summary>
    public static HashSet<string> Of(string text) =>
        Words(text).Where(word => !Function.Contains(word)).Select(Stem).ToHashSet(StringComparer.Ordinal);

    private static IEnumerable<string> Words(string text)
    {
        for (var i = 0; i < text.Length; )
        {
            if (!char.IsLetterOrDigit(text[i]))
            {
                i++;
                continue;
            }

            var start = i;
            var unspaced = IsUnspaced(text[i]);
            while (i < text.Length && char.IsLetterOrDigit(text[i]) && IsUnspaced(text[i]) == unspaced)
            {
                i++;
            }

            if (!unspaced || i - start == 1)
            {
                yield return text[start..i].ToLowerInvariant();
                continue;
            }

            for (var j = start; j + 1 < i; j++)
            {
                yield return text.Substring(j, 2);
            }
        }
    }

    // Chinese, Japanese, Korean and Thai.
    private static bool IsUnspaced(char c) =>
        c is (>= '\u0E00' and <= '\u0E7F') or (>= '\u3040' and <= '\u9FFF') or (>= '\uAC00' and <= '\uD7AF');

    /// <summary>Endings of English that change the form and not the thing. Both sides go through it, so it need not be a real word.</summary>
    private static string Stem(string word)
    {
        if (word.Length <= 3 || !char.IsAsciiLetter(word[0]))
        {
            return word;
        }

        foreach (
            var (ending, replacement) in (ReadOnlySpan<(string, string)>)
                [
                    ("ies", "y"),
                    ("ied", "y"),
                    ("sses", "ss"),
                    ("ing", ""),
                    ("ed", ""),
                    ("es", ""),
                    ("ly", ""),
                    ("s", ""),
                    ("e", ""),
                ]
        )
        {
            var stem = word.Length - ending.Length;
            if (
                stem >= 3
                && word.EndsWith(ending, StringComparison.Ordinal)
                && !(ending == "s" && word[^2] is 's' or 'u')
                && word.AsSpan(0, stem).ContainsAny(Vowels)
            )
            {
                var root = word[..stem] + replacement;
                // stopped, running: the doubled consonant belongs to the ending
                return ending is "ing" or "ed" && root[^1] == root[^2] && root[^1] is not ('l' or 's' or 'z')
                    ? root[..^1]
                    : root;
            }
        }

        return word;
    }
}
