using Slipway.Rag.Chunking;

namespace Slipway.Hosting;

/// <summary>How documents are cut into passages: section <c>Rag:Chunking</c>. A change cuts every document anew.</summary>
public sealed record ChunkingOptions
{
    /// <summary>Along the structure, or in windows of equal length.</summary>
    public ChunkingMode Mode { get; set; }

    /// <summary>
    /// Size of a passage: in tokens for <see cref="ChunkingMode.Structure"/> (default 400), in characters for
    /// <see cref="ChunkingMode.Window"/> (default 400).
    /// </summary>
    public int? Size { get; set; }

    /// <summary>Characters that a window shares with the one before. Default 0; <see cref="ChunkingMode.Window"/> only.</summary>
    public int Overlap { get; set; } = FixedWindowChunker.DefaultOverlap;

    /// <exception cref="SlipwayException">The sizes do not fit together.</exception>
    internal IChunker CreateChunker() =>
        Mode == ChunkingMode.Window
            ? new FixedWindowChunker(Size ?? FixedWindowChunker.DefaultSize, Overlap)
            : new StructureChunker(Size is { } tokens ? Scaled(tokens) : null);

    /// <summary>The defaults' proportions at another size.</summary>
    private static StructureChunkerOptions Scaled(int target) =>
        new()
        {
            TargetTokens = target,
            MaxTokens = target * StructureChunkerOptions.DefaultMaxTokens / StructureChunkerOptions.DefaultTargetTokens,
            MinTokens = Math.Max(
                1,
                target * StructureChunkerOptions.DefaultMinTokens / StructureChunkerOptions.DefaultTargetTokens
            ),
        };
}

/// <summary>Ways to cut a document.</summary>
public enum ChunkingMode
{
    /// <summary>Along headings, paragraphs, tables and code.</summary>
    Structure,

    /// <summary>Windows of equal length, as the older system cut.</summary>
    Window,
}
