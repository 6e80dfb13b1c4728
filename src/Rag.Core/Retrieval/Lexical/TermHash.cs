using System.Buffers;
using System.IO.Hashing;
using System.Text;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// A term's number: xxHash64 of its UTF-8. No dictionary is kept, so publishing touches no shared rows. Two terms meet once in
/// 10¹⁹ pairs.
/// </summary>
internal static class TermHash
{
    public static ulong Of(ReadOnlySpan<char> term)
    {
        const int OnStack = 256;
        byte[]? rented = null;
        var size = Encoding.UTF8.GetMaxByteCount(term.Length);
        var bytes = size <= OnStack ? stackalloc byte[OnStack] : rented = ArrayPool<byte>.Shared.Rent(size);
        var hash = XxHash64.HashToUInt64(bytes[..Encoding.UTF8.GetBytes(term, bytes)]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return hash;
    }
}
