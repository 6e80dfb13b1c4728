using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Turns;

/// <summary>Citations as the annotations of Microsoft.Extensions.AI, and back.</summary>
public static class CitationAnnotationExtensions
{
    /// <summary>
    /// The citation as an annotation: title, <c>FileId</c> = document id, snippet = quote, and the rest in
    /// <see cref="AIAnnotation.AdditionalProperties"/>: <c>number documentId version start end verified name headings</c>.
    /// </summary>
    /// <param name="citation">The citation.</param>
    /// <param name="regions">Where its marker stands in the text, if known.</param>
    public static CitationAnnotation ToAnnotation(
        this Citation citation,
        params IEnumerable<TextSpanAnnotatedRegion> regions
    ) =>
        new()
        {
            Title = citation.Title,
            Url = Uri.TryCreate(citation.Uri, UriKind.Absolute, out var url) ? url : null,
            FileId = citation.Passage.DocumentId,
            Snippet = citation.Quote,
            AnnotatedRegions = [.. regions],
            AdditionalProperties = new()
            {
                ["number"] = citation.Number,
                ["documentId"] = citation.Passage.DocumentId,
                ["version"] = citation.Passage.Version,
                ["start"] = citation.Passage.Start,
                ["end"] = citation.Passage.End,
                ["verified"] = citation.Verified,
                ["name"] = citation.Name,
                ["headings"] = string.Join('\n', citation.Headings),
            },
        };

    /// <summary>
    /// The citation that an annotation stands for, also after a round trip through JSON; null when it is not one of ours. The quote of
    /// a stored annotation is null: stored conversations hold no copies, the text is read at <see cref="Citation.Passage"/>.
    /// </summary>
    public static Citation? ToCitation(this CitationAnnotation annotation)
    {
        if (annotation.AdditionalProperties is not { } properties || Text("documentId") is not { } documentId)
        {
            return null;
        }

        return new()
        {
            Number = Number("number"),
            Passage = new(documentId, Number("version"), Number("start"), Number("end")),
            Title = annotation.Title ?? documentId,
            Name = Text("name") ?? documentId,
            Headings = Text("headings") is { Length: > 0 } headings ? headings.Split('\n') : [],
            Uri = annotation.Url?.OriginalString,
            Quote = annotation.Snippet,
            Verified = string.Equals(Text("verified"), bool.TrueString, StringComparison.OrdinalIgnoreCase),
        };

        string? Text(string key) =>
            properties.TryGetValue(key, out var value)
                ? value is JsonElement json
                    ? json.ToString()
                    : Convert.ToString(value, CultureInfo.InvariantCulture)
                : null;

        int Number(string key) => int.TryParse(Text(key), CultureInfo.InvariantCulture, out var number) ? number : 0;
    }
}
