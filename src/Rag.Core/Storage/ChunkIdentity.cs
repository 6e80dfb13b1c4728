using System.Security.Cryptography;
using System.Text;

namespace Slipway.Rag.Storage;

/// <summary>
/// What a chunk is embedded and indexed as, and its address. The file's name and title are left out, so a rename costs nothing; the
/// heading path is in, so a changed heading re-embeds its section.
/// </summary>
public static class ChunkIdentity
{
    /// <summary>Hash of a chunk of white space alone: it says nothing, and models refuse an empty input.</summary>
    internal static string Blank { get; } = Hash("");

    /// <summary>The embedding and indexing input: heading path, repeated table header and text, each on its own line.</summary>
    public static string Input(IReadOnlyList<string> headings, string? repeatedHeader, ReadOnlySpan<char> text)
    {
        var trimmed = text.Trim();
        if (headings.Count == 0 && repeatedHeader is null)
        {
            return trimmed.ToString();
        }

        var input = new StringBuilder(trimmed.Length + 64);
        if (headings.Count > 0)
        {
            input.AppendJoin(" > ", headings).Append('\n');
        }

        if (repeatedHeader is not null)
        {
            input.Append(repeatedHeader).Append('\n');
        }

        return input.Append(trimmed).ToString();
    }

    /// <summary>SHA-256 of the input's UTF-8, lower-case hexadecimal.</summary>
    public static string Hash(string input) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(input)));
}
