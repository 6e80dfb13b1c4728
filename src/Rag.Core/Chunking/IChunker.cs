using Slipway.Rag.Reading;

namespace Slipway.Rag.Chunking;

/// <summary>Cuts a document's text into the passages that are embedded, searched and cited.</summary>
/// <remarks>
/// Laws, for every implementation: chunks are in order; every chunk is a non-empty range; together the ranges cover the whole text
/// (with overlap 0 they tile it), so that the text can be put together again from the chunks; the same input gives the same chunks.
/// Thread-safe and free of state.
/// </remarks>
public interface IChunker
{
    /// <summary>Name, version and settings, such as <c>structure/1;400;64</c>; part of the pipeline's fingerprint.</summary>
    string Fingerprint { get; }

    /// <summary>Cuts the text. An empty text has no chunks.</summary>
    IReadOnlyList<Chunk> Chunk(StructuredDocument document);
}

/// <summary>A passage: a range of the document's text and the context that it is understood in.</summary>
/// <param name="Start">First character, in UTF-16 code units of the document's text.</param>
/// <param name="End">One past the last.</param>
public readonly record struct Chunk(int Start, int End)
{
    /// <summary>Headings above, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>The header of a table that began in an earlier chunk; null otherwise.</summary>
    public string? RepeatedHeader { get; init; }
}
