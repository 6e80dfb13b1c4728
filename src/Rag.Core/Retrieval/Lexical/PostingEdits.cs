using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// What a merge changes, turned from document by document into list by list: every list that changes is read and written once. One object
/// holds the terms of a range.
/// </summary>
internal sealed class PostingEdits
{
    /// <summary>Terms of documents in one part: what it gathers stays in the processor's cache.</summary>
    private const int TermsOfAPart = 1 << 17;

    // A chain through one array for each term: there are far too many for lists of their own.
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<ulong, int> _heads = [];

    private PostingEdits(
        IReadOnlyList<PendingDocument> pending,
        IReadOnlyList<MergedDocument?> documents,
        ulong first,
        ulong last
    )
    {
        for (var i = 0; i < pending.Count; i++)
        {
            Collect(pending[i].Merged, first, last, removed: true);
            Collect(documents[i], first, last, removed: false);
        }
    }

    /// <summary>All changes, in parts that follow one another in the order of the stored key (signed). Each is made when it is asked for.</summary>
    /// <param name="pending">What is merged.</param>
    /// <param name="documents">By pending document: as it will stand in the buckets; null for a deleted one.</param>
    /// <param name="termsOfAPart">About how many terms of documents a part gathers.</param>
    public static IEnumerable<PostingEdits> InParts(
        IReadOnlyList<PendingDocument> pending,
        IReadOnlyList<MergedDocument?> documents,
        int termsOfAPart = TermsOfAPart
    )
    {
        var terms =
            pending.Sum(document => (long)(document.Merged?.Postings.TermCount ?? 0))
            + documents.Sum(document => (long)(document?.Postings.TermCount ?? 0));
        // A part is told by the first bits of its terms: they are hashes, so all parts are about as large.
        var bits = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((ulong)(terms / termsOfAPart) + 1));
        for (var i = 0ul; i < 1ul << bits; i++)
        {
            var first = bits == 0 ? 0 : (i << (64 - bits)) ^ (1ul << 63); // negative ones come first
            yield return new PostingEdits(
                pending,
                documents,
                first,
                first | (bits == 0 ? ulong.MaxValue : ulong.MaxValue >> bits)
            );
        }
    }

    /// <summary>The terms with changes, in the order of the stored key (signed).</summary>
    public IEnumerable<ulong> Terms()
    {
        var terms = _heads.Keys.ToArray();
        Array.Sort(terms, (left, right) => ((long)left).CompareTo((long)right));
        return terms;
    }

    /// <summary>The changes of a term by slot, into a list that is cleared first. Frequency 0: the posting goes away.</summary>
    public void Read(ulong term, List<Posting> edits)
    {
        edits.Clear();
        for (var i = _heads[term]; i >= 0; i = _entries[i].Next)
        {
            edits.Add(new Posting(_entries[i].Slot, _entries[i].Frequency));
        }

        // Old entries are negative and come first. Where old and new are equal, there is nothing to do.
        var sorted = CollectionsMarshal.AsSpan(edits);
        sorted.Sort(
            static (left, right) =>
                left.Slot == right.Slot ? left.Frequency.CompareTo(right.Frequency) : left.Slot.CompareTo(right.Slot)
        );
        var kept = 0;
        for (var i = 0; i < sorted.Length; i++)
        {
            var replaced = i + 1 < sorted.Length && sorted[i + 1].Slot == sorted[i].Slot;
            if (!replaced)
            {
                sorted[kept++] = sorted[i] with { Frequency = Math.Max(0, sorted[i].Frequency) };
            }
            else
            {
                i++;
                if (sorted[i].Frequency != -sorted[i - 1].Frequency)
                {
                    sorted[kept++] = sorted[i];
                }
            }
        }

        edits.RemoveRange(kept, edits.Count - kept);
    }

    /// <summary>Applies one bucket's changes to its packed list.</summary>
    /// <param name="data">The list as it is; empty when there is none.</param>
    /// <param name="slots">The bucket's size.</param>
    /// <param name="edits">The changes, slots counted within the bucket.</param>
    /// <param name="output">Receives the new list.</param>
    /// <returns>How many postings the new list has.</returns>
    public static int Apply(
        ReadOnlySpan<byte> data,
        int slots,
        ReadOnlySpan<Posting> edits,
        ArrayBufferWriter<byte> output
    )
    {
        if (data.IsEmpty && AllStay(edits))
        {
            Postings.Write(output, edits); // nearly every list of a bulk load
            return edits.Length;
        }

        var result = new List<Posting>(edits.Length + data.Length);
        var old = Postings.Read(data, slots);
        var next = 0;
        while (!old.AtEnd)
        {
            var posting = old.Next();
            for (; next < edits.Length && edits[next].Slot < posting.Slot; next++)
            {
                Keep(edits[next]);
            }

            if (next < edits.Length && edits[next].Slot == posting.Slot)
            {
                posting = edits[next++];
            }

            Keep(posting);
        }

        for (; next < edits.Length; next++)
        {
            Keep(edits[next]);
        }

        Postings.Write(output, CollectionsMarshal.AsSpan(result));
        return result.Count;

        void Keep(Posting posting)
        {
            if (posting.Frequency > 0)
            {
                result.Add(posting);
            }
        }
    }

    private static bool AllStay(ReadOnlySpan<Posting> edits)
    {
        foreach (var edit in edits)
        {
            if (edit.Frequency == 0)
            {
                return false;
            }
        }

        return true;
    }

    private void Collect(MergedDocument? document, ulong first, ulong last, bool removed)
    {
        if (document is null)
        {
            return;
        }

        for (var t = document.Postings.FirstFrom(first); t < document.Postings.TermCount; t++)
        {
            var term = document.Postings.Term(t);
            if (term > last)
            {
                break;
            }

            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, term, out var known);
            head = known ? head : -1;
            var postings = document.Postings.PostingsAt(t, out var count);
            for (; count > 0; count--)
            {
                var (chunk, frequency) = postings.Next();
                _entries.Add(new Entry(document.Slots[chunk], removed ? -frequency : frequency, head));
                head = _entries.Count - 1;
            }
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(int Slot, int Frequency, int Next);
}
