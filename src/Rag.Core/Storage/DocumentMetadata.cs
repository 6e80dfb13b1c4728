namespace Slipway.Rag.Storage;

/// <summary>What a document's metadata are: the two parts are stored, because each changes without the other.</summary>
public static class DocumentMetadata
{
    /// <summary>The metadata that are shown and searched. What the source says is more certain than what the text says.</summary>
    /// <param name="content">From the document's content.</param>
    /// <param name="source">From its source.</param>
    public static IReadOnlyDictionary<string, string> Join(
        IReadOnlyDictionary<string, string> content,
        IReadOnlyDictionary<string, string> source
    )
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(source);
        if (source.Count == 0)
        {
            return content;
        }

        var joined = new Dictionary<string, string>(content, StringComparer.Ordinal);
        foreach (var (key, value) in source)
        {
            joined[key] = value;
        }

        return joined;
    }
}
