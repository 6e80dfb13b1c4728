namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// A document that was published or deleted since the last merge: what the buckets still say of it, and what is true now. Immutable,
/// thread-safe.
/// </summary>
/// <param name="Id">The delta's id; never used again, so it names this content.</param>
/// <param name="DocumentId">The document.</param>
/// <param name="Merged">As it stands in the buckets; null when it was never merged.</param>
/// <param name="Current">As it is now; null when it was deleted.</param>
internal sealed record PendingDocument(long Id, string DocumentId, MergedDocument? Merged, DocumentPostings? Current);

/// <summary>A document in the buckets.</summary>
/// <param name="Slots">Where its chunks stand, by chunk number: bucket × bucket size + slot.</param>
/// <param name="Postings">What the buckets say of them.</param>
internal sealed record MergedDocument(int[] Slots, DocumentPostings Postings)
{
    public byte[] PackSlots()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>(Math.Max(16, 3 * Slots.Length));
        var next = 0;
        foreach (var slot in Slots)
        {
            // Slots mostly follow one another; a step back is as rare as a jump. Zigzag keeps both short.
            var distance = slot - next;
            Varint.Write(output, (uint)((distance << 1) ^ (distance >> 31)));
            next = slot + 1;
        }

        return output.WrittenSpan.ToArray();
    }

    /// <exception cref="InvalidDataException">The data are damaged.</exception>
    public static MergedDocument Parse(ReadOnlySpan<byte> slots, DocumentPostings postings)
    {
        var unpacked = new int[postings.ChunkCount];
        var (position, next) = (0, 0);
        for (var i = 0; i < unpacked.Length; i++)
        {
            var zigzag = Varint.Read(slots, ref position);
            unpacked[i] = next + ((int)(zigzag >> 1) ^ -(int)(zigzag & 1));
            next = unpacked[i] + 1;
        }

        return new MergedDocument(unpacked, postings);
    }
}
