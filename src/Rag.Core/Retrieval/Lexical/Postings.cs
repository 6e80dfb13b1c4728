using System.Buffers;
using System.Runtime.InteropServices;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>That a term occurs in a chunk.</summary>
/// <param name="Slot">The chunk's place: in a bucket, or in its document.</param>
/// <param name="Frequency">How often; at least 1.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Posting(int Slot, int Frequency);

/// <summary>
/// A packed list of postings in ascending order: the distance to the slot before, shifted left by two, with the frequency less one in the
/// low bits; a frequency of four or more follows as a number of its own. About 1.3 bytes a posting.
/// </summary>
internal static class Postings
{
    private const int Inline = 3;

    public static void Write(ArrayBufferWriter<byte> output, ReadOnlySpan<Posting> postings)
    {
        var previous = -1;
        foreach (var (slot, frequency) in postings)
        {
            // A slot twice would shift every slot after it.
            if (slot <= previous || frequency < 1)
            {
                throw new ArgumentException("Postings must ascend and occur at least once.", nameof(postings));
            }

            Varint.Write(output, ((uint)(slot - previous - 1) << 2) | (uint)Math.Min(frequency - 1, Inline));
            if (frequency > Inline)
            {
                Varint.Write(output, (uint)frequency);
            }

            previous = slot;
        }
    }

    public static Reader Read(ReadOnlySpan<byte> data, int slots) => new(data, slots);

    /// <summary>Reads a list from the start of the data; <see cref="Position"/> is then where it ends.</summary>
    /// <param name="data">The packed list, and whatever follows.</param>
    /// <param name="slots">One past the highest slot that can be right.</param>
    internal ref struct Reader(ReadOnlySpan<byte> data, int slots)
    {
        private readonly ReadOnlySpan<byte> _data = data;
        private long _slot = -1;
        private int _position;

        public readonly int Position => _position;

        public readonly bool AtEnd => _position >= _data.Length;

        /// <exception cref="InvalidDataException">The list is damaged.</exception>
        public Posting Next()
        {
            var packed = Varint.Read(_data, ref _position);
            _slot += (packed >> 2) + 1;
            var frequency = (int)(packed & Inline) + 1;
            if (frequency > Inline)
            {
                frequency = (int)Varint.Read(_data, ref _position);
            }

            if (_slot >= slots || frequency < 1)
            {
                throw new InvalidDataException("Packed index data name a chunk that does not exist.");
            }

            return new Posting((int)_slot, frequency);
        }
    }
}
