namespace Slipway.Rag.Reading;

/// <summary>
/// The facts of YAML front matter that fit a flat map: scalars, and lists joined by commas. Nested maps are left out; a document is not
/// configuration, and a full YAML parser would be the core's heaviest dependency.
/// </summary>
internal static class FrontMatter
{
    /// <summary>Parses the block between the fences, fences included in the range.</summary>
    public static Dictionary<string, string> Parse(string text, int start, int end)
    {
        var facts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        string? key = null;
        foreach (var range in new LineRanges(text, start, end))
        {
            var line = text.AsSpan(range).TrimEnd();
            var content = line.TrimStart();
            if (content.IsEmpty || content[0] == '#' || content is "---" or "...")
            {
                continue;
            }

            var isItem = content.StartsWith("- ");
            if (key is not null && (isItem || content.Length < line.Length))
            {
                Continue(facts, key, Scalar(isItem ? content[2..] : content), isItem);
                continue;
            }

            var colon = content.IndexOf(':');
            key = colon > 0 && content.Length == line.Length ? Scalar(content[..colon]) : null;
            if (key is not null && Scalar(content[(colon + 1)..]) is { Length: > 0 } value)
            {
                facts[key] = value;
            }
        }

        return facts;
    }

    /// <summary>An item of a list, or a further line of a long scalar.</summary>
    private static void Continue(Dictionary<string, string> facts, string key, string value, bool isItem)
    {
        var before = facts.GetValueOrDefault(key);
        facts[key] = before is null or "|" or ">" or "|-" or ">-" ? value : before + (isItem ? ", " : " ") + value;
    }

    private static string Scalar(ReadOnlySpan<char> value)
    {
        value = value.Trim();
        if (value.Length > 1 && value[0] == '[' && value[^1] == ']')
        {
            var items = value[1..^1].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries);
            return string.Join(", ", items.Select(item => Scalar(item)));
        }

        return value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0]
            ? value[1..^1].ToString()
            : value.ToString();
    }
}
