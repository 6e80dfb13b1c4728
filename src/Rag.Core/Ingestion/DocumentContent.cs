using System.Buffers;
using System.Security.Cryptography;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Ingestion;

/// <summary>
/// A document's bytes, read once, so that what is hashed is what is read. Rented memory; dispose it when the document is done.
/// </summary>
internal sealed class DocumentContent : IDisposable
{
    private const int FirstBuffer = 64 * 1024;
    private byte[] _buffer;

    private DocumentContent(byte[] buffer, int length, DateTimeOffset readAt)
    {
        _buffer = buffer;
        Length = length;
        ReadAt = readAt;
        Hash = Convert.ToHexStringLower(SHA256.HashData(buffer.AsSpan(0, length)));
    }

    public int Length { get; }

    public string Hash { get; }

    /// <summary>When reading began: a change after that may or may not be in the bytes.</summary>
    public DateTimeOffset ReadAt { get; }

    /// <summary>As much of the beginning as tells the type.</summary>
    public ReadOnlySpan<byte> Head => _buffer.AsSpan(0, Math.Min(Length, Reading.MediaTypes.SniffLength));

    public static async ValueTask<DocumentContent> ReadAsync(
        Stream stream,
        SourceDocument document,
        long maxBytes,
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        var readAt = timeProvider.GetUtcNow();
        // One byte more than announced, so that the end is seen without growing.
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(document.Size + 1 ?? FirstBuffer, maxBytes + 1));
        var length = 0;
        try
        {
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return new DocumentContent(buffer, length, readAt);
                }

                length += read;
                if (length > maxBytes)
                {
                    throw TooLarge(document.Name, length, maxBytes);
                }

                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(buffer.Length * 2L, Array.MaxLength));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    public static SlipwayException TooLarge(string name, long size, long maxBytes) =>
        new(
            ErrorClass.Permanent,
            $"'{name}' has {size:N0} bytes or more; at most {maxBytes:N0} are read.",
            $"Split the file, or raise {nameof(IngestionOptions)}.{nameof(IngestionOptions.MaxBytes)}."
        );

    public Stream OpenStream() => new MemoryStream(_buffer, 0, Length, writable: false);

    public void Dispose()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
