using System.Text;

namespace Slipway.Agents.Turns.Internal;

/// <summary>Finds a quote in stored text although a model copies white space, quotes and dashes its own way.</summary>
internal static class QuoteFinder
{
    /// <summary>The quote's range in the text, or null.</summary>
    public static (int Start, int End)? Find(string text, string quote)
    {
        var stored = Normalize(text);
        foreach (var candidate in Candidates(quote))
        {
            var wanted = Normalize(candidate).Text;
            if (wanted.Any(char.IsLetterOrDigit) && Locate(stored.Text, wanted) is >= 0 and var at)
            {
                return (stored.Starts[at], stored.Ends[at + wanted.Length - 1]);
            }
        }

        return null;
    }

    // As written; with its escapes undone; without the full stop or ellipsis that a model likes to add.
    private static IEnumerable<string> Candidates(string quote)
    {
        var unescaped = Unescape(quote);
        string[] candidates =
        [
            quote,
            unescaped,
            unescaped.Trim().TrimEnd('.', '…', ',', ';', ':', ' ').TrimStart('.', '…', ' '),
        ];
        return candidates.Distinct(StringComparer.Ordinal);
    }

    private static string Unescape(string quote)
    {
        StringBuilder text = new(quote.Length);
        for (var i = 0; i < quote.Length; i++)
        {
            var next = quote[i] == '\\' && i + 1 < quote.Length ? quote[i + 1] : default;
            if (next is '"' or '\\' or 'n')
            {
                text.Append(next == 'n' ? '\n' : next);
                i++;
            }
            else
            {
                text.Append(quote[i]);
            }
        }

        return text.ToString();
    }

    private static int Locate(string text, string wanted)
    {
        var at = text.IndexOf(wanted, StringComparison.Ordinal);
        if (at < 0 && char.IsLetter(wanted[0]))
        {
            var first = char.IsUpper(wanted[0]) ? char.ToLowerInvariant(wanted[0]) : char.ToUpperInvariant(wanted[0]);
            at = text.IndexOf(first + wanted[1..], StringComparison.Ordinal);
        }

        return at;
    }

    /// <summary>The comparable form, and for each of its characters the range of the original it stands for.</summary>
    private static (string Text, List<int> Starts, List<int> Ends) Normalize(string text)
    {
        var result = new StringBuilder(text.Length);
        List<int> starts = new(text.Length);
        List<int> ends = new(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var (form, skip) = Form(text[i]);
            if (skip || (form == ' ' && (result.Length == 0 || result[^1] == ' ')))
            {
                continue;
            }

            for (var copies = text[i] == '…' ? 3 : 1; copies > 0; copies--)
            {
                result.Append(form);
                starts.Add(i);
                ends.Add(i + 1);
            }
        }

        if (result.Length > 0 && result[^1] == ' ')
        {
            result.Length--;
        }

        return (result.ToString(), starts, ends);
    }

    private static (char Form, bool Skip) Form(char c) =>
        c switch
        {
            // Emphasis and code marks of Markdown, soft hyphen and zero-width characters: a model drops them.
            '*' or '`' or '\u00AD' or '\u200B' or '\u200C' or '\u200D' or '\u2060' or '\uFEFF' => (c, true),
            '“' or '”' or '„' or '«' or '»' or '″' => ('"', false),
            '‘' or '’' or '‚' or '‹' or '›' or '′' => ('\'', false),
            '‐' or '‑' or '‒' or '–' or '—' or '―' or '−' => ('-', false),
            '…' => ('.', false),
            _ when char.IsWhiteSpace(c) => (' ', false),
            _ => (c, false),
        };
}
