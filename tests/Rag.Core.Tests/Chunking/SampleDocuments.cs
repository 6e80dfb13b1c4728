using System.Text;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Chunking;

/// <summary>Long documents that look like people wrote them, from a seed.</summary>
internal sealed class SampleDocuments(int seed)
{
    private readonly Random random = new(seed);
    private readonly string[] vocabulary = Vocabulary(new Random(17), 3_000);

    /// <summary>Headings of two levels, paragraphs, and now and then a list, a table or code.</summary>
    public string Sectioned(int length)
    {
        var text = new StringBuilder("# ").Append(Title()).Append("\n\n");
        while (text.Length < length)
        {
            text.Append(random.Next(3) == 0 ? "## " : "### ").Append(Title()).Append("\n\n");
            for (var paragraphs = random.Next(0, 14); paragraphs > 0; paragraphs--)
            {
                text.Append(
                        random.Next(12) switch
                        {
                            0 => Lines(i => $"- {Sentence()}"),
                            1 => "| Part | Price |\n|---|---|\n"
                                + Lines(i => $"| {Word()} {i} | {random.Next(1000)} |"),
                            2 => "```\n" + Lines(i => $"{Word()}({Word()}, {random.Next(100)});") + "\n```",
                            _ => Paragraph(),
                        }
                    )
                    .Append("\n\n");
            }
        }

        return text.ToString();
    }

    /// <summary>Paragraphs and nothing else.</summary>
    public string Unsectioned(int length)
    {
        var text = new StringBuilder();
        while (text.Length < length)
        {
            text.Append(Paragraph()).Append("\n\n");
        }

        return text.ToString();
    }

    /// <summary>One paragraph.</summary>
    public string Unbroken(int length)
    {
        var text = new StringBuilder();
        while (text.Length < length)
        {
            text.Append(Sentence()).Append(' ');
        }

        return text.ToString();
    }

    public string Paragraph() => string.Join(' ', Enumerable.Range(0, random.Next(2, 9)).Select(_ => Sentence()));

    public string Sentence()
    {
        var words = Enumerable.Range(0, random.Next(5, 26)).Select(_ => Word()).ToArray();
        words[0] = char.ToUpperInvariant(words[0][0]) + words[0][1..];
        return string.Join(random.Next(9) == 0 ? ", " : " ", words) + (random.Next(12) == 0 ? "?" : ".");
    }

    /// <summary>Changes a word, or replaces, inserts or deletes a sentence, somewhere; or puts a paragraph at the top.</summary>
    public string Edit(string text)
    {
        if (random.Next(20) == 0)
        {
            return Paragraph() + "\n\n" + text;
        }

        int start,
            end;
        do
        {
            start = text.IndexOf(". ", random.Next(text.Length - 2_000), StringComparison.Ordinal) + 2;
            end = text.IndexOf(". ", start, StringComparison.Ordinal) + 2;
        } while (text.AsSpan(start, end - start).Contains('\n'));

        var sentence = random.Next(4) switch
        {
            0 => ChangeWord(text[start..end]),
            1 => Sentence() + " ",
            2 => text[start..end] + Sentence() + " ",
            _ => "",
        };
        return string.Concat(text.AsSpan(0, start), sentence, text.AsSpan(end));
    }

    private string ChangeWord(string sentence)
    {
        var words = sentence.Split(' ');
        words[random.Next(words.Length - 1)] = Word();
        return string.Join(' ', words);
    }

    private string Lines(Func<int, string> line) =>
        string.Join('\n', Enumerable.Range(1, random.Next(3, 20)).Select(line));

    private string Title() => $"{Word()} {Word()} {random.Next(10_000)}";

    /// <summary>Some words are frequent and most are rare, as in any language.</summary>
    private string Word() => vocabulary[(int)(vocabulary.Length * Math.Pow(random.NextDouble(), 3))];

    private static string[] Vocabulary(Random random, int count)
    {
        string[] syllables =
        [
            "ba",
            "con",
            "de",
            "er",
            "fi",
            "gra",
            "ho",
            "in",
            "ka",
            "lo",
            "men",
            "no",
            "per",
            "ra",
            "sti",
            "tion",
            "u",
            "ver",
            "wi",
            "za",
        ];
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i =>
                    string.Concat(
                        Enumerable.Range(0, 1 + random.Next(4)).Select(_ => syllables[random.Next(syllables.Length)])
                    )
                ),
        ];
    }
}
