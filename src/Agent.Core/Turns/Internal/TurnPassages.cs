using System.Globalization;
using System.Text;

namespace Slipway.Agents.Turns.Internal;

/// <summary>The passages that the model may cite in a turn, under the names it cites them by.</summary>
/// <remarks>Not thread-safe: results are registered in the order of their calls.</remarks>
internal sealed class TurnPassages
{
    private readonly Dictionary<PassageReference, string> _names = [];
    private readonly Dictionary<string, SearchPassage> _passages = new(StringComparer.Ordinal);

    /// <summary>Names every passage; a place that was seen before keeps its name.</summary>
    public SearchResult Register(SearchResult result) =>
        result with
        {
            Passages = [.. result.Passages.Select(Register)],
        };

    public SearchPassage? Find(string name) => _passages.GetValueOrDefault(name);

    /// <summary>The name of the passage that holds a cited range.</summary>
    public string? FindName(PassageReference range) =>
        _passages
            .Values.FirstOrDefault(passage =>
                passage.DocumentId == range.DocumentId
                && passage.Version == range.Version
                && passage.Start <= range.Start
                && passage.End >= range.End
            )
            ?.Ref;

    /// <summary>
    /// The result as the model reads it: every passage between tags that its own text cannot close, so that nothing in a document
    /// passes for anything but quoted data.
    /// </summary>
    public static string Render(SearchResult result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{result.Passages.Count} passages for: {result.Query}\n");
        if (result.Note is not null)
        {
            text.Append(result.Note).Append('\n');
        }

        foreach (var passage in result.Passages)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"<passage ref=\"{passage.Ref}\" document=\"{passage.DocumentId}\""
            );
            text.Append(
                CultureInfo.InvariantCulture,
                $" title=\"{Attribute(passage.Title)}\" name=\"{Attribute(passage.Name)}\""
            );
            if (passage.Headings.Count > 0)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $" headings=\"{Attribute(string.Join(" > ", passage.Headings))}\""
                );
            }

            var body = passage
                .Text?.Replace("</passage", "<\u200B/passage", StringComparison.OrdinalIgnoreCase)
                .Replace("<passage", "<\u200Bpassage", StringComparison.OrdinalIgnoreCase);
            text.Append(">\n").Append(body ?? "(This passage is no longer available.)").Append("\n</passage>\n");
        }

        return text.ToString();
    }

    private static string Attribute(string value) =>
        string.Concat(
            value.Select(c =>
                char.IsControl(c) ? ' '
                : c is '"' or '<' or '>' ? '\''
                : c
            )
        );

    private SearchPassage Register(SearchPassage passage)
    {
        if (!_names.TryGetValue(passage.Reference, out var name))
        {
            name = "p" + (_names.Count + 1).ToString(CultureInfo.InvariantCulture);
            _names.Add(passage.Reference, name);
        }

        var named = passage with { Ref = name };
        _passages[name] = named;
        return named;
    }
}
