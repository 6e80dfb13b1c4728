using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// The best chunks so far: by score, then document id, then chunk number, so that equal scores come in the same order on every engine
/// and in every state of an index.
/// </summary>
internal sealed class TopChunks(int count)
{
    // The worst is on top.
    private readonly PriorityQueue<ScoredChunk, ScoredChunk> _heap = new(Math.Min(count, 1024), BestFirst.Reversed);

    /// <summary>What does not reach this cannot get in.</summary>
    public double Threshold { get; private set; } = double.NegativeInfinity;

    public void Add(ScoredChunk chunk)
    {
        if (count == 0)
        {
            return;
        }

        if (_heap.Count < count)
        {
            _heap.Enqueue(chunk, chunk);
        }
        else if (BestFirst.Instance.Compare(chunk, _heap.Peek()) < 0)
        {
            _heap.EnqueueDequeue(chunk, chunk);
        }

        if (_heap.Count == count)
        {
            Threshold = _heap.Peek().Score;
        }
    }

    public IReadOnlyList<ScoredChunk> ToList()
    {
        var list = _heap.UnorderedItems.Select(item => item.Element).ToArray();
        Array.Sort(list, BestFirst.Instance);
        return list;
    }
}

/// <summary>The order of results.</summary>
internal sealed class BestFirst : IComparer<ScoredChunk>
{
    public static BestFirst Instance { get; } = new();

    public static IComparer<ScoredChunk> Reversed { get; } =
        Comparer<ScoredChunk>.Create((left, right) => Instance.Compare(right, left));

    public int Compare(ScoredChunk x, ScoredChunk y)
    {
        var order = y.Score.CompareTo(x.Score);
        order = order != 0 ? order : string.CompareOrdinal(x.DocumentId, y.DocumentId);
        return order != 0 ? order : x.Ordinal.CompareTo(y.Ordinal);
    }
}
