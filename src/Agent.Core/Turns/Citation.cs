namespace Slipway.Agents.Turns;

/// <summary>What a marker such as <c>[1]</c> in an answer stands for.</summary>
public sealed record Citation
{
    /// <summary>The number in the text, from 1, in order of first use. The same place has the same number.</summary>
    public required int Number { get; init; }

    /// <summary>
    /// The place: the quote's own range when <see cref="Verified"/>, otherwise the passage that the model named.
    /// </summary>
    public required PassageReference Passage { get; init; }

    /// <summary>The document's title.</summary>
    public required string Title { get; init; }

    /// <summary>The document's name with its path inside the source.</summary>
    public required string Name { get; init; }

    /// <summary>Headings above, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>Where the original can be opened, if anywhere.</summary>
    public string? Uri { get; init; }

    /// <summary>The words that support the answer, exactly as stored; null when nothing was verified.</summary>
    public string? Quote { get; init; }

    /// <summary>True when the quote was found in the stored text.</summary>
    public required bool Verified { get; init; }
}
