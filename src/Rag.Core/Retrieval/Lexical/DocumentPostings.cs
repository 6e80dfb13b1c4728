using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// The small inverted index of one document: which terms its chunks have. It is a pending document's contribution to a query, what a
/// merge writes into the buckets, and later what tells which lists to take it out of again. Immutable, thread-safe.
/// </summary>
/// <remarks>
/// Packed: format (1 byte), number of chunks, each chunk's length (2 bytes), number of terms, the terms ascending (8 bytes each), then each
/// term's postings by chunk, preceded by their number.
/// </remarks>
internal sealed class DocumentPostings
{
    private const byte Format = 1;

    /// <summary>Lengths are counted up to here, so that two bytes hold one; no chunk of a sane chunker comes near.</summary>
    public const int MaxLength = ushort.MaxValue - 1;

    private readonly byte[] _data;
    private readonly int _lengthsAt;
    private readonly int _termsAt;
    private readonly int[] _postingsAt; // one more than there are terms: where each list begins

    private DocumentPostings(byte[] data)
    {
        if (data.Length == 0 || data[0] != Format)
        {
            throw new InvalidDataException("Packed index data have an unknown format.");
        }

        _data = data;
        var position = 1;
        ChunkCount = (int)Varint.Read(data, ref position);
        _lengthsAt = position;
        Skip(ChunkCount, 2L);
        var terms = (int)Varint.Read(data, ref position);
        _termsAt = position;
        Skip(terms, 8L);
        _postingsAt = new int[terms + 1];
        for (var i = 0; i < terms; i++)
        {
            _postingsAt[i] = position;
            var count = Varint.Read(data, ref position);
            var postings = Postings.Read(data.AsSpan(position), ChunkCount);
            for (var p = 0u; p < count; p++)
            {
                postings.Next();
            }

            position += postings.Position;
        }

        _postingsAt[terms] = position;
        for (var i = 0; i < ChunkCount; i++)
        {
            TotalLength += Length(i);
        }

        void Skip(int count, long size)
        {
            if (count < 0 || position + (count * size) > data.Length)
            {
                throw new InvalidDataException("Packed index data end early.");
            }

            position += (int)(count * size);
        }
    }

    public int ChunkCount { get; }

    public long TotalLength { get; }

    public int TermCount => _postingsAt.Length - 1;

    /// <summary>The stored form.</summary>
    public byte[] Data => _data;

    public static DocumentPostings Parse(byte[] data) => new(data);

    /// <summary>Analyses a document. The terms of a chunk are those of its <see cref="ChunkIdentity.Input"/>.</summary>
    public static DocumentPostings Build(TextAnalyzer analyzer, IReadOnlyList<ChunkRecord> chunks)
    {
        var terms = new TermHashes(new List<ulong>(chunks.Count * 256));
        var owners = new List<int>(chunks.Count * 256); // by occurrence: the chunk
        var lengths = new int[chunks.Count];
        for (var i = 0; i < chunks.Count; i++)
        {
            // The parts of the input one by one: the same terms without putting the string together.
            foreach (var heading in chunks[i].Headings)
            {
                analyzer.Analyze(heading, ref terms);
            }

            analyzer.Analyze(chunks[i].RepeatedHeader, ref terms);
            analyzer.Analyze(chunks[i].Text, ref terms);
            lengths[i] = Math.Min(terms.List.Count - owners.Count, MaxLength);
            owners.AddRange(Enumerable.Repeat(i, terms.List.Count - owners.Count));
        }

        var occurrences = CollectionsMarshal.AsSpan(terms.List);
        var chunkOf = CollectionsMarshal.AsSpan(owners);
        occurrences.Sort(chunkOf);
        return new DocumentPostings(Pack(lengths, occurrences, chunkOf));
    }

    public int Length(int chunk) => BinaryPrimitives.ReadUInt16LittleEndian(_data.AsSpan(_lengthsAt + (2 * chunk)));

    public ulong Term(int index) => BinaryPrimitives.ReadUInt64LittleEndian(_data.AsSpan(_termsAt + (8 * index)));

    /// <summary>The postings of the term at an index, in chunk order.</summary>
    public Postings.Reader PostingsAt(int index, out int count)
    {
        var position = _postingsAt[index];
        count = (int)Varint.Read(_data, ref position);
        return Postings.Read(_data.AsSpan(position, _postingsAt[index + 1] - position), ChunkCount);
    }

    /// <summary>The index of a term, or a negative number when no chunk has it.</summary>
    public int Find(ulong term) =>
        FirstFrom(term) is var index && index < TermCount && Term(index) == term ? index : -1;

    /// <summary>The index of the first term that is not smaller; the number of terms when all are.</summary>
    public int FirstFrom(ulong term)
    {
        var (low, high) = (0, TermCount);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            (low, high) = Term(middle) < term ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static byte[] Pack(int[] lengths, ReadOnlySpan<ulong> occurrences, Span<int> chunkOf)
    {
        var terms = new ArrayBufferWriter<byte>(Math.Max(256, occurrences.Length * 4));
        var lists = new ArrayBufferWriter<byte>(Math.Max(256, occurrences.Length * 2));
        var postings = new List<Posting>(lengths.Length);
        var termCount = 0;
        for (var i = 0; i < occurrences.Length; termCount++)
        {
            var term = occurrences[i];
            var end = i + 1;
            while (end < occurrences.Length && occurrences[end] == term)
            {
                end++;
            }

            chunkOf[i..end].Sort();
            postings.Clear();
            for (var first = i; i < end; first = i)
            {
                while (i < end && chunkOf[i] == chunkOf[first])
                {
                    i++;
                }

                postings.Add(new Posting(chunkOf[first], i - first));
            }

            BinaryPrimitives.WriteUInt64LittleEndian(terms.GetSpan(8), term);
            terms.Advance(8);
            Varint.Write(lists, (uint)postings.Count);
            Postings.Write(lists, CollectionsMarshal.AsSpan(postings));
        }

        var output = new ArrayBufferWriter<byte>(terms.WrittenCount + lists.WrittenCount + (2 * lengths.Length) + 16);
        output.Write([Format]);
        Varint.Write(output, (uint)lengths.Length);
        foreach (var length in lengths)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(output.GetSpan(2), (ushort)length);
            output.Advance(2);
        }

        Varint.Write(output, (uint)termCount);
        output.Write(terms.WrittenSpan);
        output.Write(lists.WrittenSpan);
        return output.WrittenSpan.ToArray();
    }
}
