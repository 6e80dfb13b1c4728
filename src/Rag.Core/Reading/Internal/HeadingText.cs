namespace Slipway.Rag.Reading;

/// <summary>Makes a heading of any text.</summary>
internal static class HeadingText
{
    /// <summary>A heading is repeated with every chunk below it, so it is cut at this length.</summary>
    public const int Longest = 200;

    /// <summary>One line, not too long.</summary>
    public static string Shorten(ReadOnlySpan<char> text)
    {
        text = text.Trim();
        var length = Math.Min(text.Length, Longest);
        if (length < text.Length && char.IsHighSurrogate(text[length - 1]))
        {
            length--;
        }

        return Collapse(text[..length].ToString());
    }

    /// <summary>One space where there is white space: line breaks, and the padding of a table's cells.</summary>
    public static string Collapse(string text) =>
        string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
