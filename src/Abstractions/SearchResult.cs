using System.Text.Json.Serialization;

namespace Slipway;

/// <summary>What a search tool answers: the JSON that a model reads and that an agent checks citations against.</summary>
public sealed record SearchResult
{
    /// <summary>The <see cref="Kind"/> of every search result.</summary>
    public const string KindName = "slipway.search";

    /// <summary>Marks the JSON as a search result, whatever tool returned it.</summary>
    public string Kind { get; init; } = KindName;

    /// <summary>The question that was searched for.</summary>
    public required string Query { get; init; }

    /// <summary>Passages, best first. Empty when nothing matched.</summary>
    public required IReadOnlyList<SearchPassage> Passages { get; init; }

    /// <summary>A sentence for the model when something should be known about the result, such as "nothing found".</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Note { get; init; }
}

/// <summary>One passage with its provenance.</summary>
public sealed record SearchPassage
{
    /// <summary>The name by which the model cites the passage within one turn (<c>p1</c>, <c>p2</c> …); set by the agent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ref { get; init; }

    /// <summary>The document's id.</summary>
    public required string DocumentId { get; init; }

    /// <summary>The version that the range belongs to.</summary>
    public required int Version { get; init; }

    /// <summary>First character in the document's text, in UTF-16 code units.</summary>
    public required int Start { get; init; }

    /// <summary>One past the last character.</summary>
    public required int End { get; init; }

    /// <summary>The document's title.</summary>
    public required string Title { get; init; }

    /// <summary>The document's file name or external name, with its path inside the source.</summary>
    public required string Name { get; init; }

    /// <summary>Headings above the passage, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>Where the original can be opened, when the source knows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Uri { get; init; }

    /// <summary>Relevance; comparable only within one result.</summary>
    public double Score { get; init; }

    /// <summary>The passage as stored. Null where only the reference is kept (stored conversations hold no copies).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Text { get; init; }

    /// <summary>The passage's place as a reference.</summary>
    [JsonIgnore]
    public PassageReference Reference => new(DocumentId, Version, Start, End);
}
