using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>Chunks of one document that stand side by side in a bucket.</summary>
/// <param name="Slot">The first one's slot.</param>
/// <param name="Count">How many.</param>
/// <param name="DocumentId">Their document.</param>
/// <param name="Ordinal">The first one's number in the document.</param>
internal readonly record struct SlotRun(int Slot, int Count, string DocumentId, int Ordinal);

/// <summary>
/// A fixed number of slots for chunks: who stands where, and how long each is. The postings name chunks by slot. Immutable, thread-safe;
/// kept in memory by its revision.
/// </summary>
internal sealed class LexicalBucket
{
    /// <summary>The length of a slot where no chunk stands.</summary>
    public const ushort Free = ushort.MaxValue;

    private readonly SlotRun[] _runs; // by slot

    public LexicalBucket(int number, long revision, ushort[] lengths, SlotRun[] runs)
    {
        Number = number;
        Revision = revision;
        Lengths = lengths;
        _runs = runs;
        foreach (var length in lengths)
        {
            if (length != Free)
            {
                Count++;
                TotalLength += length;
            }
        }
    }

    public int Number { get; }

    public long Revision { get; }

    /// <summary>By slot; shorter than the bucket when its last slots were never used.</summary>
    public ushort[] Lengths { get; }

    public ReadOnlySpan<SlotRun> Runs => _runs;

    public int Count { get; }

    public long TotalLength { get; }

    /// <summary>The chunk in a slot.</summary>
    public (string DocumentId, int Ordinal) Chunk(int slot)
    {
        var (low, high) = (0, _runs.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var run = _runs[middle];
            if (slot < run.Slot)
            {
                high = middle - 1;
            }
            else if (slot >= run.Slot + run.Count)
            {
                low = middle + 1;
            }
            else
            {
                return (run.DocumentId, run.Ordinal + slot - run.Slot);
            }
        }

        throw new InvalidDataException("Packed index data name a chunk that does not exist.");
    }

    public byte[] PackLengths()
    {
        var data = new byte[2 * Lengths.Length];
        for (var i = 0; i < Lengths.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(2 * i), Lengths[i]);
        }

        return data;
    }

    public byte[] PackRuns()
    {
        var output = new ArrayBufferWriter<byte>(Math.Max(256, 40 * _runs.Length));
        var end = 0;
        foreach (var run in _runs)
        {
            Varint.Write(output, (uint)(run.Slot - end));
            Varint.Write(output, (uint)run.Count);
            Varint.Write(output, (uint)run.Ordinal);
            Varint.Write(output, (uint)Encoding.UTF8.GetByteCount(run.DocumentId));
            Encoding.UTF8.GetBytes(run.DocumentId, output);
            end = run.Slot + run.Count;
        }

        return output.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">The data are damaged.</exception>
    public static LexicalBucket Parse(int number, long revision, ReadOnlySpan<byte> lengths, ReadOnlySpan<byte> runs)
    {
        var unpacked = new ushort[lengths.Length / 2];
        for (var i = 0; i < unpacked.Length; i++)
        {
            unpacked[i] = BinaryPrimitives.ReadUInt16LittleEndian(lengths[(2 * i)..]);
        }

        var list = new List<SlotRun>();
        var (position, end) = (0, 0L);
        while (position < runs.Length)
        {
            var slot = end + Varint.Read(runs, ref position);
            var count = Varint.Read(runs, ref position);
            var ordinal = Varint.Read(runs, ref position);
            var bytes = Varint.Read(runs, ref position);
            end = slot + count;
            if (end > unpacked.Length || bytes > runs.Length - position || ordinal > int.MaxValue)
            {
                throw new InvalidDataException("Packed index data end early.");
            }

            list.Add(
                new SlotRun(
                    (int)slot,
                    (int)count,
                    Encoding.UTF8.GetString(runs.Slice(position, (int)bytes)),
                    (int)ordinal
                )
            );
            position += (int)bytes;
        }

        return new LexicalBucket(number, revision, unpacked, [.. list]);
    }
}
