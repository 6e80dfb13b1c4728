using System.Buffers;
using System.Text;

namespace Slipway.Rag.Reading;

/// <summary>Bytes to text, the same for every textual format.</summary>
/// <remarks>
/// UTF-8, or UTF-16 and UTF-32 when a byte order mark says so; the mark is removed, invalid bytes and NUL become U+FFFD, everything else
/// stays as it is, line ends included. The result has no lone surrogates.
/// </remarks>
internal static class TextDecoding
{
    /// <summary>Most documents fit: one read, one string, nothing else.</summary>
    private const int BufferSize = 64 * 1024;

    /// <summary>Longest mark first: UTF-32 little endian begins like UTF-16 little endian.</summary>
    private static readonly Encoding[] Marked =
    [
        new UTF32Encoding(bigEndian: false, byteOrderMark: true),
        new UTF32Encoding(bigEndian: true, byteOrderMark: true),
        new UTF8Encoding(encoderShouldEmitUTF8Identifier: true),
        new UnicodeEncoding(bigEndian: false, byteOrderMark: true),
        new UnicodeEncoding(bigEndian: true, byteOrderMark: true),
    ];

    /// <summary>The encoding that a byte order mark names, and the mark's length; null and 0 without one.</summary>
    public static (Encoding? Encoding, int Length) FindByteOrderMark(ReadOnlySpan<byte> head)
    {
        foreach (var encoding in Marked)
        {
            if (head.StartsWith(encoding.Preamble))
            {
                return (encoding, encoding.Preamble.Length);
            }
        }

        return (null, 0);
    }

    /// <summary>Reads to the end of the stream, or to the limit.</summary>
    /// <exception cref="SlipwayException">The text is longer than <see cref="ReadingContext.MaxTextLength"/>; the rest was not read.</exception>
    public static async ValueTask<string> ReadTextAsync(
        Stream content,
        ReadingContext context,
        CancellationToken cancellationToken
    )
    {
        var bytes = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var count = await content
                .ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken)
                .ConfigureAwait(false);
            var (marked, skip) = FindByteOrderMark(bytes.AsSpan(0, count));
            var encoding = marked ?? Encoding.UTF8;
            if (count < bytes.Length)
            {
                return Finish(encoding.GetString(bytes, skip, count - skip), context);
            }

            var text = new StringBuilder(bytes.Length * 2);
            var decoder = encoding.GetDecoder();
            var chars = ArrayPool<char>.Shared.Rent(encoding.GetMaxCharCount(bytes.Length));
            try
            {
                while (count > 0)
                {
                    text.Append(chars, 0, decoder.GetChars(bytes, skip, count - skip, chars, 0, flush: false));
                    ThrowIfTooLong(text.Length, context);
                    skip = 0;
                    count = await content.ReadAsync(bytes, cancellationToken).ConfigureAwait(false);
                }

                text.Append(chars, 0, decoder.GetChars([], 0, 0, chars, 0, flush: true));
            }
            finally
            {
                ArrayPool<char>.Shared.Return(chars);
            }

            return Finish(text.ToString(), context);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <exception cref="SlipwayException">The text is longer than <see cref="ReadingContext.MaxTextLength"/>.</exception>
    public static void ThrowIfTooLong(int length, ReadingContext context)
    {
        if (length > context.MaxTextLength)
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                FormattableString.Invariant(
                    $"'{context.Name}' has more than {context.MaxTextLength:N0} characters of text, the largest that is accepted."
                ),
                $"Split the document, or raise {nameof(ReadingOptions)}.{nameof(ReadingOptions.MaxTextLength)}."
            );
        }
    }

    private static string Finish(string text, ReadingContext context)
    {
        ThrowIfTooLong(text.Length, context);
        return text.Replace('\0', '\uFFFD');
    }
}
