using System.Collections.ObjectModel;

namespace Slipway.Rag.Sources;

/// <summary>One line of a source's listing: a document, or a gap where documents may be hidden.</summary>
public abstract record SourceItem;

/// <summary>A document that the source has.</summary>
public sealed record SourceDocument : SourceItem
{
    /// <summary>
    /// Identity within the source, the same in every listing and process: a path relative to its root with <c>/</c>, a file id, a URL.
    /// </summary>
    public required string ExternalId { get; init; }

    /// <summary>What people call it: the path within the source, with the file's extension.</summary>
    public required string Name { get; init; }

    /// <summary>Media type if the source knows it for certain; null lets name and content decide.</summary>
    public string? MediaType { get; init; }

    /// <summary>Where the original can be opened, if anywhere.</summary>
    public string? Uri { get; init; }

    /// <summary>Bytes, if known before opening; null rather than a guess.</summary>
    public long? Size { get; init; }

    /// <summary>When the source says it changed last, UTC; null if it does not know.</summary>
    public DateTimeOffset? ModifiedAt { get; init; }

    /// <summary>Title given by the source; null lets the reader find one.</summary>
    public string? Title { get; init; }

    /// <summary>Facts about the document, stored with it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Who may read it, as <see cref="Principal.AccessNames"/>; empty means everyone in the tenant.</summary>
    public IReadOnlyList<string> Principals { get; init; } = [];
}

/// <summary>A part that could not be listed. Documents below it are neither confirmed nor gone: they stay.</summary>
/// <param name="Prefix">External ids that start with this are unknown in this listing. Empty means all.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record SourceGap(string Prefix, string Reason) : SourceItem;
