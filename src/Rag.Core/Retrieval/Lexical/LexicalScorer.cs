using System.Buffers;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>One term's rows: a packed list for each bucket that has the term. Reused from term to term.</summary>
internal sealed class TermPostings
{
    private readonly List<(int Bucket, int Count, int Start, int Length)> _lists = [];
    private readonly ArrayBufferWriter<byte> _data = new(64 * 1024);

    public int Lists => _lists.Count;

    public void Clear()
    {
        _lists.Clear();
        _data.ResetWrittenCount();
    }

    public void Add(int bucket, int count, ReadOnlySpan<byte> data)
    {
        _lists.Add((bucket, count, _data.WrittenCount, data.Length));
        _data.Write(data);
    }

    public (int Bucket, int Count) Header(int list) => (_lists[list].Bucket, _lists[list].Count);

    public ReadOnlySpan<byte> Data(int list) => _data.WrittenSpan.Slice(_lists[list].Start, _lists[list].Length);
}

/// <summary>
/// Scores one query over one moment of an index: the buckets as they were merged, and over them the documents that changed since.
/// Statistics count what is true now, so a score has the same bits before and after a merge.
/// </summary>
internal sealed class LexicalScorer : IDisposable
{
    private readonly IReadOnlyDictionary<int, LexicalBucket> _buckets;
    private readonly IReadOnlyList<PendingDocument> _pending;
    private readonly int _bucketSize;
    private readonly Bm25 _bm25;
    private readonly double[] _merged; // by bucket × bucket size + slot
    private readonly int _mergedLength;
    private readonly double[]?[] _current; // by pending document, then chunk

    public LexicalScorer(
        IReadOnlyDictionary<int, LexicalBucket> buckets,
        IReadOnlyList<PendingDocument> pending,
        int bucketSize,
        Bm25Options options
    )
    {
        (_buckets, _pending, _bucketSize) = (buckets, pending, bucketSize);
        _current = new double[pending.Count][];
        _mergedLength = buckets.Count == 0 ? 0 : (buckets.Keys.Max() + 1) * bucketSize;
        _merged = ArrayPool<double>.Shared.Rent(_mergedLength);
        Array.Clear(_merged, 0, _mergedLength);

        var (chunks, length) = (0L, 0L);
        foreach (var bucket in buckets.Values)
        {
            (chunks, length) = (chunks + bucket.Count, length + bucket.TotalLength);
        }

        foreach (var document in pending)
        {
            chunks += (document.Current?.ChunkCount ?? 0) - (document.Merged?.Postings.ChunkCount ?? 0);
            length += (document.Current?.TotalLength ?? 0) - (document.Merged?.Postings.TotalLength ?? 0);
        }

        _bm25 = new Bm25(options, chunks, length);
    }

    /// <summary>Adds a term. The order of the terms decides the last bits of the scores: callers give them in ascending order.</summary>
    /// <param name="term">The term.</param>
    /// <param name="repeated">How often the query has it.</param>
    /// <param name="postings">The term's rows in the buckets.</param>
    public void Add(ulong term, int repeated, TermPostings postings)
    {
        var frequency = 0L;
        for (var i = 0; i < postings.Lists; i++)
        {
            frequency += postings.Header(i).Count;
        }

        foreach (var document in _pending)
        {
            frequency += Frequency(document.Current, term) - Frequency(document.Merged?.Postings, term);
        }

        var weight = repeated * _bm25.Weight(frequency);
        for (var i = 0; i < postings.Lists; i++)
        {
            AddMerged(weight, postings.Header(i), postings.Data(i));
        }

        for (var i = 0; i < _pending.Count; i++)
        {
            AddPending(weight, term, i);
        }
    }

    /// <summary>The best chunks.</summary>
    /// <param name="count">How many.</param>
    /// <param name="isIncluded">Which documents count; null for all. Asked once for a document, and only when it could get in.</param>
    public IReadOnlyList<ScoredChunk> Top(int count, Func<string, bool>? isIncluded)
    {
        // What a pending document has in the buckets is no longer true.
        foreach (var slot in _pending.SelectMany(document => document.Merged?.Slots ?? []))
        {
            _merged[slot] = 0;
        }

        var top = new TopChunks(count);
        foreach (var bucket in _buckets.Values)
        {
            var scores = _merged.AsSpan(bucket.Number * _bucketSize, bucket.Lengths.Length);
            foreach (var run in bucket.Runs)
            {
                Add(top, run.DocumentId, run.Ordinal, scores.Slice(run.Slot, run.Count), isIncluded);
            }
        }

        for (var i = 0; i < _pending.Count; i++)
        {
            if (_current[i] is { } scores)
            {
                Add(top, _pending[i].DocumentId, 0, scores, isIncluded);
            }
        }

        return top.ToList();
    }

    private static void Add(
        TopChunks top,
        string documentId,
        int firstOrdinal,
        ReadOnlySpan<double> scores,
        Func<string, bool>? isIncluded
    )
    {
        var asked = isIncluded is null;
        for (var i = 0; i < scores.Length; i++)
        {
            if (scores[i] > 0 && scores[i] >= top.Threshold)
            {
                if (!asked && !isIncluded!(documentId))
                {
                    return;
                }

                asked = true;
                top.Add(new ScoredChunk(documentId, firstOrdinal + i, scores[i]));
            }
        }
    }

    public void Dispose() => ArrayPool<double>.Shared.Return(_merged);

    private void AddMerged(double weight, (int Bucket, int Count) header, ReadOnlySpan<byte> data)
    {
        var bucket = _buckets[header.Bucket];
        var lengths = bucket.Lengths;
        var scores = _merged.AsSpan(header.Bucket * _bucketSize, lengths.Length);
        var postings = Postings.Read(data, lengths.Length);
        while (!postings.AtEnd)
        {
            var (slot, frequency) = postings.Next();
            scores[slot] += _bm25.Score(weight, frequency, lengths[slot]);
        }
    }

    private void AddPending(double weight, ulong term, int index)
    {
        if (_pending[index].Current is { } document && document.Find(term) is >= 0 and var found)
        {
            var scores = _current[index] ??= new double[document.ChunkCount];
            var postings = document.PostingsAt(found, out var count);
            for (; count > 0; count--)
            {
                var (chunk, frequency) = postings.Next();
                scores[chunk] += _bm25.Score(weight, frequency, document.Length(chunk));
            }
        }
    }

    private static int Frequency(DocumentPostings? document, ulong term)
    {
        if (document is null || document.Find(term) is not (>= 0 and var found))
        {
            return 0;
        }

        document.PostingsAt(found, out var count);
        return count;
    }
}
