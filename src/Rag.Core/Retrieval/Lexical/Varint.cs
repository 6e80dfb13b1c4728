using System.Buffers;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>Whole numbers in 7-bit groups, lowest first (LEB128).</summary>
internal static class Varint
{
    public static void Write(ArrayBufferWriter<byte> output, uint value)
    {
        var span = output.GetSpan(5);
        var i = 0;
        while (value >= 0x80)
        {
            span[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[i++] = (byte)value;
        output.Advance(i);
    }

    /// <exception cref="InvalidDataException">The data end early or hold more than 32 bits.</exception>
    public static uint Read(ReadOnlySpan<byte> data, ref int position)
    {
        if ((uint)position < (uint)data.Length && data[position] < 0x80)
        {
            return data[position++];
        }

        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if ((uint)position >= (uint)data.Length)
            {
                throw new InvalidDataException("Packed index data end in the middle of a number.");
            }

            var next = data[position++];
            if (shift == 28 && next > 0xF)
            {
                break;
            }

            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("Packed index data hold a number of more than 32 bits.");
    }
}
