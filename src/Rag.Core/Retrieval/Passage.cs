namespace Slipway.Rag.Retrieval;

/// <summary>A passage that answers a query, with its provenance.</summary>
public sealed record Passage
{
    /// <summary>Document, version and character range.</summary>
    public required PassageReference Reference { get; init; }

    /// <summary>The chunk's number within the document, from 0.</summary>
    public required int Ordinal { get; init; }

    /// <summary>The document's title.</summary>
    public required string Title { get; init; }

    /// <summary>The document's name with its path inside the source.</summary>
    public required string Name { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>Where the original can be opened, if anywhere.</summary>
    public string? Uri { get; init; }

    /// <summary>Media type of the document.</summary>
    public string? MediaType { get; init; }

    /// <summary>Headings above, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>A table's header that began in an earlier chunk; null otherwise.</summary>
    public string? RepeatedHeader { get; init; }

    /// <summary>The stored text of the range.</summary>
    public required string Text { get; init; }

    /// <summary>Fused relevance; comparable only within one result.</summary>
    public required double Score { get; init; }

    /// <summary>BM25 score, if the lexical leg found it.</summary>
    public double? LexicalScore { get; init; }

    /// <summary>Cosine similarity, if the vector leg found it.</summary>
    public double? VectorScore { get; init; }

    /// <summary>The passage as tools and endpoints return it: with <see cref="Uri"/> only if it is one of the web.</summary>
    public SearchPassage ToSearchPassage() =>
        new()
        {
            DocumentId = Reference.DocumentId,
            Version = Reference.Version,
            Start = Reference.Start,
            End = Reference.End,
            Title = Title,
            Name = Name,
            Headings = Headings,
            Uri = WebAddress.OrNull(Uri),
            Score = Score,
            Text = Text,
        };
}
