using Slipway.Rag.Reading;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Storage;

/// <summary>
/// What every store keeps of a text: NUL and lone surrogates, which some databases refuse, become U+FFFD, one for one, so that character
/// ranges stay as they are. Stores call it on everything that is handed to them, and so give the same text back on every engine.
/// </summary>
public static class StorableText
{
    /// <summary>The text itself when there is nothing to replace.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var first = FirstRefused(text);
        return first < 0
            ? text
            : string.Create(
                text.Length,
                (text, first),
                static (clean, state) =>
                {
                    state.text.CopyTo(clean);
                    for (var i = state.first; i < clean.Length; i++)
                    {
                        if (char.IsHighSurrogate(clean[i]) && i + 1 < clean.Length && char.IsLowSurrogate(clean[i + 1]))
                        {
                            i++;
                        }
                        else if (clean[i] == '\0' || char.IsSurrogate(clean[i]))
                        {
                            clean[i] = '\uFFFD';
                        }
                    }
                }
            );
    }

    /// <summary>A publication with storable texts.</summary>
    public static DocumentPublication Of(DocumentPublication publication)
    {
        ArgumentNullException.ThrowIfNull(publication);
        return publication with
        {
            Document = Of(publication.Document),
            Title = Of(publication.Title),
            Metadata = Of(publication.Metadata),
            Chunks = [.. publication.Chunks.Select(Of)],
            Tables = [.. publication.Tables.Select(Of)],
        };
    }

    /// <summary>A failure with storable texts.</summary>
    public static DocumentFailure Of(DocumentFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return failure with { Document = Of(failure.Document), Error = Of(failure.Error) };
    }

    /// <summary>A listed document with storable texts.</summary>
    public static SourceDocument Of(SourceDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        return document with
        {
            ExternalId = Of(document.ExternalId),
            Name = Of(document.Name),
            MediaType = document.MediaType is null ? null : Of(document.MediaType),
            Uri = document.Uri is null ? null : Of(document.Uri),
            Title = document.Title is null ? null : Of(document.Title),
            Metadata = Of(document.Metadata),
            Principals = [.. document.Principals.Select(Of)],
        };
    }

    private static ChunkRecord Of(ChunkRecord chunk) =>
        FirstRefused(chunk.Text) < 0
        && (chunk.RepeatedHeader is null || FirstRefused(chunk.RepeatedHeader) < 0)
        && chunk.Headings.All(heading => FirstRefused(heading) < 0)
            ? chunk
            : chunk with
            {
                Text = Of(chunk.Text),
                Headings = [.. chunk.Headings.Select(Of)],
                RepeatedHeader = chunk.RepeatedHeader is null ? null : Of(chunk.RepeatedHeader),
            };

    private static DataTable Of(DataTable table) =>
        new(
            Of(table.Name),
            [.. table.Columns.Select(Of)],
            [
                .. table.Rows.Select(
                    IReadOnlyList<string?> (row) =>
                        row.All(cell => cell is null || FirstRefused(cell) < 0)
                            ? row
                            : [.. row.Select(cell => cell is null ? null : Of(cell))]
                ),
            ]
        );

    private static IReadOnlyDictionary<string, string> Of(IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.All(pair => FirstRefused(pair.Key) < 0 && FirstRefused(pair.Value) < 0))
        {
            return metadata;
        }

        var clean = new Dictionary<string, string>(metadata.Count);
        foreach (var (key, value) in metadata)
        {
            clean[Of(key)] = Of(value);
        }

        return clean;
    }

    /// <summary>Where the first NUL or lone surrogate is; -1 for nearly every text, found without looking at each character alone.</summary>
    private static int FirstRefused(string text)
    {
        var nul = text.IndexOf('\0', StringComparison.Ordinal);
        var end = nul < 0 ? text.Length : nul;
        for (var i = 0; i < end; i += 2)
        {
            var next = text.AsSpan(i, end - i).IndexOfAnyInRange('\uD800', '\uDFFF');
            if (next < 0)
            {
                break;
            }

            i += next;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
            {
                return i;
            }
        }

        return nul;
    }
}
