using System.Text.Json;
using System.Text.RegularExpressions;

namespace Slipway.Agents.Models.Internal;

/// <summary>A sentence, list item, row or code block of a passage.</summary>
/// <param name="Start">First character in the passage.</param>
/// <param name="End">One past the last.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Shown">How it reads outside of its document.</param>
/// <param name="Heading">The heading above it, when that is in the passage itself.</param>
/// <param name="Mark">What stands before it in a list: its number, or a dash.</param>
internal sealed record PassageUnit(int Start, int End, UnitKind Kind, string Shown, string? Heading, string Mark = "-");

internal enum UnitKind
{
    Sentence,
    ListItem,
    Row,
    Code,
}

/// <summary>Cuts a passage of plain text, Markdown or rows into the units that can be quoted.</summary>
internal static partial class PassageUnits
{
    private const int MaxJsonLines = 40;
    private const int MatchTimeout = 1_000; // milliseconds: passages are short, and a document may be made to take long

    public static List<PassageUnit> Split(string text)
    {
        List<PassageUnit> units = [];
        string[]? header = null;
        string? heading = null;
        var lines = Lines(text).ToList();
        for (var i = AfterFrontMatter(text, lines); i < lines.Count; i++)
        {
            var (start, end) = lines[i];
            var line = text[start..end];
            if (Fence().IsMatch(line))
            {
                var close = lines.FindIndex(i + 1, other => Fence().IsMatch(text[other.Start..other.End]));
                close = close < 0 ? lines.Count - 1 : close;
                units.Add(new(start, lines[close].End, UnitKind.Code, text[start..lines[close].End], heading));
                i = close;
            }
            else if (line.Length == 0 || Decoration().IsMatch(line))
            {
                header = line.Length == 0 ? null : header;
                heading = line.StartsWith('#') ? Show(line.Trim('#', ' ')) : heading;
            }
            else if (line.StartsWith('|'))
            {
                var cells = line.Trim('|').Split('|', StringSplitOptions.TrimEntries);
                if (header is null)
                {
                    header = cells;
                }
                else
                {
                    units.Add(new(start, end, UnitKind.Row, ShowRow(header, cells), heading));
                }
            }
            else if (line[0] == '{' && JsonObject(text, lines, i) is var (last, shown))
            {
                units.Add(new(start, lines[last].End, UnitKind.Row, shown, heading));
                i = last;
            }
            else if (ListMark().Match(line) is { Success: true } mark)
            {
                while (i + 1 < lines.Count && Continues(text, lines[i + 1]))
                {
                    i++;
                }

                start += mark.Length;
                units.Add(
                    new(
                        start,
                        lines[i].End,
                        UnitKind.ListItem,
                        Show(text[start..lines[i].End]),
                        heading,
                        char.IsAsciiDigit(mark.Value[0]) ? mark.Groups["mark"].Value : "-"
                    )
                );
            }
            else if (Record().IsMatch(line))
            {
                units.Add(new(start, end, UnitKind.Row, Show(line), heading));
            }
            else
            {
                while (i + 1 < lines.Count && Continues(text, lines[i + 1]))
                {
                    i++;
                }

                AddSentences(units, text, start, lines[i].End, heading);
            }
        }

        return units;
    }

    private static int AfterFrontMatter(string text, List<(int Start, int End)> lines) =>
        lines.Count > 0 && text[lines[0].Start..lines[0].End] == "---"
            ? lines.FindIndex(1, line => text[line.Start..line.End] == "---") + 1
            : 0;

    private static IEnumerable<(int Start, int End)> Lines(string text)
    {
        for (var at = 0; at < text.Length; )
        {
            var end = text.IndexOf('\n', at);
            end = end < 0 ? text.Length : end;
            var (from, to) = (at, end);
            while (from < to && char.IsWhiteSpace(text[from]))
            {
                from++;
            }

            while (to > from && char.IsWhiteSpace(text[to - 1]))
            {
                to--;
            }

            yield return (from, to);
            at = end + 1;
        }
    }

    /// <summary>A JSON object that begins in a line and ends in one: the last line, and the object as "name: value; name: value".</summary>
    private static (int LastLine, string Shown)? JsonObject(string text, List<(int Start, int End)> lines, int first)
    {
        for (var last = first; last < Math.Min(lines.Count, first + MaxJsonLines); last++)
        {
            var json = text[lines[first].Start..lines[last].End].TrimEnd(',');
            if (json[^1] != '}')
            {
                continue;
            }

            try
            {
                using var document = JsonDocument.Parse(json);
                var members = document
                    .RootElement.EnumerateObject()
                    .Select(member => $"{member.Name}: {JsonValue(member.Value)}");
                return (last, string.Join("; ", members));
            }
            catch (JsonException)
            {
                // The brace closes an inner object; the next one may close this.
            }
        }

        return null;
    }

    private static string JsonValue(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array
            ? string.Join(", ", value.EnumerateArray().Select(JsonValue))
            : value.ToString();

    /// <summary>Whether a line goes on with the paragraph or list item before.</summary>
    private static bool Continues(string text, (int Start, int End) line)
    {
        var content = text[line.Start..line.End];
        return content.Length > 0
            && content[0] is not ('|' or '{')
            && !Decoration().IsMatch(content)
            && !ListMark().IsMatch(content)
            && !Fence().IsMatch(content)
            && !Record().IsMatch(content);
    }

    private static void AddSentences(List<PassageUnit> units, string text, int start, int end, string? heading)
    {
        var from = start;
        foreach (var stop in SentenceEnd().EnumerateMatches(text.AsSpan(0, end), start))
        {
            var to = stop.Index + stop.Length;
            if (!Abbreviation().IsMatch(text[from..to]))
            {
                Add(from, to);
                from = to;
            }
        }

        Add(from, end);

        void Add(int first, int last)
        {
            while (first < last && char.IsWhiteSpace(text[first]))
            {
                first++;
            }

            if (first < last)
            {
                units.Add(new(first, last, UnitKind.Sentence, Show(text[first..last]), heading));
            }
        }
    }

    private static string ShowRow(string[] header, string[] cells) =>
        string.Join(
            "; ",
            header.Zip(cells).Where(pair => pair.Second.Length > 0).Select(pair => Cell(pair.First, pair.Second))
        );

    private static string Cell(string column, string value) =>
        column.Length == 0 ? Show(value) : $"{Show(column)}: {Show(value)}";

    // Links lead nowhere outside of their document; emphasis may lose its other half.
    private static string Show(string text) =>
        WhiteSpace()
            .Replace(
                Link().Replace(text, "${text}").Replace("**", "", StringComparison.Ordinal).TrimStart('>', ' '),
                " "
            )
            .Trim();

    [GeneratedRegex(@"^(```|~~~)", RegexOptions.ExplicitCapture, MatchTimeout)]
    private static partial Regex Fence();

    // Headings, rules, the line under a table's header, images alone in their line.
    [GeneratedRegex(@"^(#{1,6}\s|[-=*_\s|:]{3,}$|!\[[^\]]*\]\([^)]*\)$)", RegexOptions.ExplicitCapture, MatchTimeout)]
    private static partial Regex Decoration();

    [GeneratedRegex(@"^(?<mark>[-*+•]|\d{1,3}[.)])\s+(\[[ xX]\]\s+)?", RegexOptions.ExplicitCapture, MatchTimeout)]
    private static partial Regex ListMark();

    // A row of tabular data as the readers write it: "Column: value; Column: value".
    [GeneratedRegex(@"^[^:;]{1,60}: .*; [^:;]{1,60}: ", RegexOptions.ExplicitCapture, MatchTimeout)]
    private static partial Regex Record();

    [GeneratedRegex(
        @"[.!?…]+[""”’')\]*]*(?=\s+[\p{Lu}\p{Lt}\p{Lo}\d""“‘'(\[*])|[。！？]+",
        RegexOptions.ExplicitCapture,
        MatchTimeout
    )]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(
        @"(^|[\s(])(e\.g|i\.e|etc|cf|vs|approx|no|nos|fig|mr|mrs|ms|dr|prof|st|inc|ltd|co|p|pp|[a-z]|\d{1,2})\.$",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        MatchTimeout
    )]
    private static partial Regex Abbreviation();

    [GeneratedRegex(@"!?\[(?<text>[^\]]*)\]\([^)\s]*(?:\s""[^""]*"")?\)", RegexOptions.ExplicitCapture, MatchTimeout)]
    private static partial Regex Link();

    [GeneratedRegex(@"\s+", RegexOptions.ExplicitCapture, MatchTimeout)]
    private static partial Regex WhiteSpace();
}
