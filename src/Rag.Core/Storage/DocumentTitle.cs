namespace Slipway.Rag.Storage;

/// <summary>How a document comes by the title that people see: its source's, or else its own, or else one that is made of its name.</summary>
public static class DocumentTitle
{
    /// <summary>The first title that says anything, without white space around it.</summary>
    /// <param name="source">From the source, <see cref="Sources.SourceDocument.Title"/>.</param>
    /// <param name="document">From the document's content.</param>
    /// <returns>Null when neither says anything.</returns>
    public static string? Given(string? source, string? document = null)
    {
        var given = string.IsNullOrWhiteSpace(source) ? document : source;
        return string.IsNullOrWhiteSpace(given) ? null : given.Trim();
    }

    /// <summary>A document's name without folder and ending: the title of one that has no other, see <see cref="DocumentPublication.IsTitleDerived"/>.</summary>
    /// <param name="name">Name with path inside the source.</param>
    public static string FromName(string name)
    {
        var title = Path.GetFileNameWithoutExtension(name);
        return title.Length > 0 ? title : name;
    }
}
