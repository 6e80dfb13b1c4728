using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Slipway.Rag.Retrieval.Filters.Internal;

/// <summary>
/// One entry of a document's metadata as filters compare it. Numbers and times are read here, once for all engines, so that SQL compares
/// bytes, doubles and integers, and nothing that depends on a collation or a cast.
/// </summary>
/// <param name="Key">See <see cref="Token"/>.</param>
/// <param name="Value">See <see cref="Token"/>.</param>
/// <param name="Number">If the value is a number.</param>
/// <param name="Instant">Unix milliseconds, rounded down, if the value is a time.</param>
internal sealed record MetadataEntry(byte[] Key, byte[] Value, double? Number, long? Instant)
{
    // PostgreSQL's indexes take 2,700 bytes in a row.
    private const int LongestPlain = 128;

    private const byte Digest = 0xff; // never a byte of UTF-8

    private static readonly string[] TimeFormats =
    [
        "yyyy-MM-dd",
        "yyyy-MM-dd'T'HH:mmK",
        "yyyy-MM-dd HH:mmK",
        "yyyy-MM-dd'T'HH:mm:ssK",
        "yyyy-MM-dd HH:mm:ssK",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
        "r",
    ];

    public static IReadOnlyList<MetadataEntry> Of(IReadOnlyDictionary<string, string> metadata)
    {
        var entries = new Dictionary<string, MetadataEntry>(metadata.Count, StringComparer.Ordinal);
        foreach (var (key, value) in metadata)
        {
            var token = Token(key);
            // By token: halves of surrogate pairs become the same replacement character.
            entries[Convert.ToHexString(token)] = new MetadataEntry(
                token,
                Token(value),
                ParseNumber(value),
                ParseTime(value)?.ToUnixTimeMilliseconds()
            );
        }

        return [.. entries.Values];
    }

    /// <summary>Bytes that are equal when the texts are: UTF-8, and for long texts a mark and the SHA-256 of it.</summary>
    public static byte[] Token(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length <= LongestPlain ? bytes : [Digest, .. SHA256.HashData(bytes)];
    }

    public static double? ParseNumber(string text) =>
        double.TryParse(text.AsSpan().Trim(), NumberFormat, CultureInfo.InvariantCulture, out var number)
        && double.IsFinite(number)
            ? number + 0.0 // no negative zero
            : null;

    public static DateTimeOffset? ParseTime(string text) =>
        DateTimeOffset.TryParseExact(
            text.AsSpan().Trim(),
            TimeFormats,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time
        )
            ? time
            : null;

    private const NumberStyles NumberFormat =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
}
