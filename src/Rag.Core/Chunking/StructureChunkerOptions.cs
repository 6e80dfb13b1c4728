namespace Slipway.Rag.Chunking;

/// <summary>Sizes of the structure-aware chunker, in tokens.</summary>
public sealed record StructureChunkerOptions
{
    /// <summary>
    /// Default of <see cref="TargetTokens"/>. Large enough for an answer with its reasons, small enough that a chunk is about one
    /// thing.
    /// </summary>
    public const int DefaultTargetTokens = 400;

    /// <summary>Default of <see cref="MaxTokens"/>: with its heading path a chunk fits the 512 tokens that many embedding models see.</summary>
    public const int DefaultMaxTokens = 480;

    /// <summary>Default of <see cref="MinTokens"/>: less than a paragraph says too little to be found by itself.</summary>
    public const int DefaultMinTokens = 64;

    /// <summary>What is longer is cut where one block ends and another begins.</summary>
    public int TargetTokens { get; init; } = DefaultTargetTokens;

    /// <summary>What is longer is cut even inside a paragraph, a table or a code block. Nothing is longer.</summary>
    public int MaxTokens { get; init; } = DefaultMaxTokens;

    /// <summary>
    /// No cut leaves less than this on either side. Neighbouring sections of the same parent that are smaller share a chunk. A small
    /// section that has no such neighbour stays small.
    /// </summary>
    public int MinTokens { get; init; } = DefaultMinTokens;

    internal void Validate()
    {
        if (MinTokens < 1 || TargetTokens / 4 < MinTokens || MaxTokens < TargetTokens)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                FormattableString.Invariant(
                    $"Chunk sizes do not fit together: {nameof(MinTokens)} {MinTokens}, {nameof(TargetTokens)} {TargetTokens}, {nameof(MaxTokens)} {MaxTokens}."
                ),
                $"Set 1 <= {nameof(MinTokens)} <= {nameof(TargetTokens)} / 4 and {nameof(TargetTokens)} <= {nameof(MaxTokens)}."
            );
        }
    }
}
