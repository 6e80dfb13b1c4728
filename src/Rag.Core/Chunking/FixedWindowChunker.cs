using Slipway.Rag.Reading;

namespace Slipway.Rag.Chunking;

/// <summary>Cuts windows of equal length without looking at the structure: the older system's way.</summary>
/// <remarks>
/// Lengths are in Unicode characters, so that a surrogate pair is one and never cut. Carriage returns are not counted: the older system
/// removed them before it cut, so these windows hold the same characters as its own, and yet the ranges cover the text as it is. A
/// carriage return between two windows belongs to the second, with the line feed that follows it.
/// </remarks>
public sealed class FixedWindowChunker : IChunker
{
    /// <summary>The older system's size.</summary>
    public const int DefaultSize = 400;

    /// <summary>The older system's overlap.</summary>
    public const int DefaultOverlap = 0;

    private readonly int size;
    private readonly int overlap;

    /// <summary>Creates a chunker.</summary>
    /// <param name="size">Characters in a window.</param>
    /// <param name="overlap">Characters that a window shares with the one before.</param>
    /// <exception cref="SlipwayException">The overlap is not smaller than the size, or one of them is out of range.</exception>
    public FixedWindowChunker(int size = DefaultSize, int overlap = DefaultOverlap)
    {
        if (size < 1 || overlap < 0 || overlap >= size)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                FormattableString.Invariant($"A chunk size of {size} with an overlap of {overlap} gives no windows."),
                "Set a size of 1 or more and an overlap from 0 to less than the size."
            );
        }

        this.size = size;
        this.overlap = overlap;
        Fingerprint = FormattableString.Invariant($"window/1;{size};{overlap}");
    }

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Chunk> Chunk(StructuredDocument document)
    {
        var text = document.Text;
        var chunks = new List<Chunk>();
        for (var start = 0; start < text.Length; )
        {
            var end = Advance(text, start, size);
            // Carriage returns at the very end are no window of their own.
            end = text.AsSpan(end).IndexOfAnyExcept('\r') < 0 ? text.Length : end;
            chunks.Add(new Chunk(start, end));
            start = end == text.Length ? end : Advance(text, start, size - overlap);
        }

        return chunks;
    }

    /// <summary>Where <paramref name="count"/> characters end, carriage returns between them included.</summary>
    private static int Advance(string text, int position, int count)
    {
        while (count > 0 && position < text.Length)
        {
            count -= text[position] == '\r' ? 0 : 1;
            position += char.IsSurrogatePair(text, position) ? 2 : 1;
        }

        return position;
    }
}
