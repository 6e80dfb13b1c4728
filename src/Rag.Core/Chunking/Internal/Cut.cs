namespace Slipway.Rag.Chunking;

/// <summary>A place where a text may be cut.</summary>
/// <param name="Position">The first character after the cut.</param>
/// <param name="Strength">How good a place it is.</param>
/// <param name="TokensBefore">Tokens from the beginning of the section to the cut.</param>
/// <param name="Priority">
/// Decides among places of equal strength. It is a hash of the text right after the cut and of nothing else, so an edit elsewhere
/// leaves the decision as it was.
/// </param>
internal readonly record struct Cut(int Position, CutStrength Strength, int TokensBefore, uint Priority)
{
    /// <summary>So many characters after the cut decide its priority.</summary>
    private const int LookAhead = 32;

    /// <summary>Rows and lines often begin alike: there the whole line decides, up to this length.</summary>
    private const int LongestLine = 256;

    /// <summary>A cut before <paramref name="text"/>, which goes on to the end of the section.</summary>
    public static Cut Before(ReadOnlySpan<char> text, int position, int end, CutStrength strength, int tokensBefore)
    {
        var decisive = strength is CutStrength.Line or CutStrength.Item
            ? Math.Clamp(end - position, LookAhead, LongestLine)
            : LookAhead;
        return new Cut(position, strength, tokensBefore, Hash(text[..Math.Min(text.Length, decisive)]));
    }

    /// <summary>FNV-1a with a final mix: the same on every machine and in every run, unlike <see cref="string.GetHashCode()"/>.</summary>
    private static uint Hash(ReadOnlySpan<char> text)
    {
        var hash = 2166136261u;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 16777619u;
        }

        hash = (hash ^ (hash >> 16)) * 0x85EBCA6Bu;
        hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
        return hash ^ (hash >> 16);
    }
}

/// <summary>How good a place for a cut is, worst first.</summary>
internal enum CutStrength : byte
{
    /// <summary>Inside a word, between graphemes.</summary>
    Grapheme,

    /// <summary>Between words.</summary>
    Word,

    /// <summary>Between lines.</summary>
    Line,

    /// <summary>Between sentences, or at a blank line in code.</summary>
    Sentence,

    /// <summary>Between items of a list or rows.</summary>
    Item,

    /// <summary>Between paragraphs and other blocks, or sections.</summary>
    Block,
}
