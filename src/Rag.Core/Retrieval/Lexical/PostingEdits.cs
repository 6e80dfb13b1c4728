using System.Buffers;
using System.Runtime.InteropServices;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// What a merge changes, turned from document by document into list by list: every list that changes is read and written once.
/// </summary>
internal sealed class PostingEdits
{
    // A chain through one array for each term: a merge of a thousand documents has two million entries, too many for lists of their own.
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<ulong, int> _heads = [];

    public PostingEdits(IReadOnlyList<PendingDocument> pending, IReadOnlyList<MergedDocument?> documents)
    {
        for (var i = 0; i < pending.Count; i++)
        {
            Collect(pending[i].Merged, removed: true);
            Collect(documents[i], removed: false);
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

    private void Collect(MergedDocument? document, bool removed)
    {
        for (var t = 0; t < document?.Postings.TermCount; t++)
        {
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(
                _heads,
                document.Postings.Term(t),
                out var known
            );
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
