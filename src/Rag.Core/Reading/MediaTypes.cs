using System.Text;

namespace Slipway.Rag.Reading;

/// <summary>Decides what kind of document some bytes are: by name, then by content.</summary>
/// <remarks>
/// The name proposes, the content decides: a PNG that is called <c>notes.txt</c> is a PNG, and what is not text never becomes text.
/// </remarks>
public static partial class MediaTypes
{
    /// <summary>How many first bytes <see cref="Detect"/> wants to see. More does no harm and is not looked at.</summary>
    public const int SniffLength = 4096;

    /// <summary>Text without a known structure.</summary>
    public const string PlainText = "text/plain";

    /// <summary>Markdown.</summary>
    public const string Markdown = "text/markdown";

    /// <summary>JSON.</summary>
    public const string Json = "application/json";

    /// <summary>JSON values one after another, one a line (JSONL, NDJSON).</summary>
    public const string JsonLines = "application/jsonl";

    /// <summary>Comma-separated values, with whatever separator.</summary>
    public const string Csv = "text/csv";

    /// <summary>Tab-separated values.</summary>
    public const string TabSeparatedValues = "text/tab-separated-values";

    /// <summary>Bytes that are not text and not a known format.</summary>
    public const string Binary = "application/octet-stream";

    /// <summary>The media type of a document.</summary>
    /// <param name="name">Its name, with extension; a path is fine.</param>
    /// <param name="head">Its first <see cref="SniffLength"/> bytes, or all of them if there are fewer.</param>
    /// <param name="declared">
    /// What the source says, if it knows. Taken as it is, without parameters, unless it says nothing (<see cref="Binary"/>).
    /// </param>
    /// <returns>A media type in lower case, without parameters.</returns>
    public static string Detect(string name, ReadOnlySpan<byte> head, string? declared = null)
    {
        if (declared is not null && Normalize(declared) is var certain && certain is not ("" or Binary))
        {
            return certain;
        }

        head = head[..Math.Min(head.Length, SniffLength)];
        var named = FromName(name);
        if (FromSignature(head) is { } signed)
        {
            return named is not null && IsStoredAs(named, signed) ? named : signed;
        }

        if (named is not null && !IsText(named))
        {
            return named;
        }

        return LooksLikeText(head) ? named ?? FromText(head) : Binary;
    }

    /// <summary>The media type that the name alone suggests; null when it suggests none.</summary>
    public static string? FromName(string name)
    {
        var file = Path.GetFileName(name.AsSpan());
        if (ByFileName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(file, out var mediaType))
        {
            return mediaType;
        }

        var extension = Path.GetExtension(file);
        return
            extension.Length > 1
            && ByExtension.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(extension[1..], out mediaType)
            ? mediaType
            : null;
    }

    /// <summary>Whether documents of this type are characters, whatever their structure: source code, configuration, logs.</summary>
    /// <param name="mediaType">Lower case, without parameters.</param>
    public static bool IsText(string mediaType) =>
        (mediaType.StartsWith("text/", StringComparison.Ordinal) && mediaType != "text/rtf")
        || mediaType.EndsWith("+json", StringComparison.Ordinal)
        || (mediaType.EndsWith("+xml", StringComparison.Ordinal) && mediaType != "image/svg+xml")
        || mediaType is Json or JsonLines or "application/x-ndjson"
        || TextApplications.Contains(mediaType);

    /// <summary>Lower case, without parameters such as <c>; charset=utf-8</c>.</summary>
    public static string Normalize(string mediaType)
    {
        var parameters = mediaType.IndexOf(';', StringComparison.Ordinal);
        return (parameters < 0 ? mediaType : mediaType[..parameters]).Trim().ToLowerInvariant();
    }

    private static string? FromSignature(ReadOnlySpan<byte> head)
    {
        foreach (var (offset, signature, mediaType) in Signatures)
        {
            if (
                head.Length >= offset + signature.Length
                && head.Slice(offset, signature.Length).SequenceEqual(signature)
            )
            {
                return mediaType;
            }
        }

        return null;
    }

    /// <summary>Office files and EPUB are ZIP archives, the older Office files are OLE containers: there the name knows more.</summary>
    private static bool IsStoredAs(string named, string signed) =>
        signed switch
        {
            Zip => named.StartsWith("application/vnd.openxmlformats", StringComparison.Ordinal)
                || named.StartsWith("application/vnd.oasis.opendocument", StringComparison.Ordinal)
                || named is "application/epub+zip" or "application/java-archive",
            OleContainer => named
                is "application/msword"
                    or "application/vnd.ms-excel"
                    or "application/vnd.ms-powerpoint"
                    or "application/vnd.ms-outlook",
            _ => false,
        };

    private static string FromText(ReadOnlySpan<byte> head)
    {
        var start = head.TrimStart(" \t\r\n"u8);
        return
            Ascii.EqualsIgnoreCase(start[..Math.Min(start.Length, 9)], "<!doctype"u8)
            || Ascii.EqualsIgnoreCase(start[..Math.Min(start.Length, 5)], "<html"u8)
            ? "text/html"
            : PlainText;
    }

    /// <summary>
    /// Whether bytes without a signature are text. Real text in an unknown 8-bit encoding has some bytes that are not UTF-8, and now
    /// and then a stray NUL; in compressed or compiled data a third or more is neither text nor UTF-8.
    /// </summary>
    private static bool LooksLikeText(ReadOnlySpan<byte> head)
    {
        if (TextDecoding.FindByteOrderMark(head).Encoding is not null)
        {
            return true;
        }

        int nul = 0,
            foreign = 0;
        for (var rest = head; !rest.IsEmpty; )
        {
            var status = Rune.DecodeFromUtf8(rest, out var rune, out var length);
            if (status == System.Buffers.OperationStatus.NeedMoreData)
            {
                break; // The head ends inside a character.
            }

            if (rune.Value == 0)
            {
                nul++;
            }
            else if (status != System.Buffers.OperationStatus.Done)
            {
                foreign += length;
            }
            else if (rune.Value < ' ' && rune.Value is not ('\t' or '\n' or '\v' or '\f' or '\r' or '\b' or 0x1B))
            {
                foreign++;
            }

            rest = rest[length..];
        }

        return nul <= Math.Max(1, head.Length / 100) && foreign <= head.Length / 5;
    }
}
