using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Slipway.Rag.Storage.Copying;

/// <summary>Equal rows have an equal hash on every engine: each value goes in with its type and length.</summary>
internal static class RowHash
{
    public static async Task<StoreCopyTable> OfAsync(
        IStoreTablesReader reader,
        StoreTable table,
        CancellationToken cancellationToken
    )
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rows = 0L;
        await foreach (var row in reader.ReadAsync(table, null, cancellationToken).ConfigureAwait(false))
        {
            foreach (var value in row)
            {
                Append(hash, value);
            }

            rows++;
        }

        return new StoreCopyTable(table.Name, rows, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static void Append(IncrementalHash hash, object? value)
    {
        switch (value)
        {
            case null:
                AppendHead(hash, 0, 0);
                break;
            case long number:
                AppendHead(hash, 1, number);
                break;
            case double number:
                AppendHead(hash, 2, BitConverter.DoubleToInt64Bits(number));
                break;
            case bool flag:
                AppendHead(hash, 3, flag ? 1 : 0);
                break;
            case DateTimeOffset time:
                AppendHead(hash, 4, time.ToUnixTimeMilliseconds());
                break;
            case byte[] content:
                AppendHead(hash, 5, content.Length);
                hash.AppendData(content);
                break;
            case float[] vector:
                AppendHead(hash, 6, vector.Length);
                hash.AppendData(MemoryMarshal.AsBytes<float>(vector));
                break;
            case string text:
                AppendText(hash, text);
                break;
            default:
                throw new ArgumentException($"No column holds a {value.GetType().Name}.", nameof(value));
        }
    }

    private static void AppendText(IncrementalHash hash, string text)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var length = Encoding.UTF8.GetBytes(text, buffer);
        AppendHead(hash, 7, length);
        hash.AppendData(buffer, 0, length);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static void AppendHead(IncrementalHash hash, byte type, long number)
    {
        Span<byte> head = stackalloc byte[9];
        head[0] = type;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], number);
        hash.AppendData(head);
    }
}
