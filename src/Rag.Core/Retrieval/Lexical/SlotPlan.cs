namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// Where pending documents will stand. A document keeps the slots it has, so that what did not change is not rewritten; more are taken
/// where the fewest buckets are touched.
/// </summary>
internal sealed class SlotPlan
{
    private readonly IReadOnlyDictionary<int, LexicalBucket> _buckets;
    private readonly int _bucketSize;
    private readonly SortedDictionary<int, OpenBucket> _open = [];
    private readonly Queue<int> _withRoom; // buckets that this merge has no other reason to touch
    private int _last;

    public SlotPlan(
        IReadOnlyDictionary<int, LexicalBucket> buckets,
        IReadOnlyList<PendingDocument> pending,
        int bucketSize
    )
    {
        (_buckets, _bucketSize) = (buckets, bucketSize);
        _last = buckets.Count == 0 ? -1 : buckets.Keys.Max();
        var documents = pending.Select(Keep).ToArray();

        var wanted = pending.Sum(document =>
            Math.Max(0, (document.Current?.ChunkCount ?? 0) - (document.Merged?.Slots.Length ?? 0))
        );
        _withRoom = new Queue<int>(WorthFilling(wanted - _open.Values.Sum(bucket => bucket.CountFree())));
        var free = FreeSlots().GetEnumerator();
        for (var i = 0; i < documents.Length; i++)
        {
            if (documents[i] is { } document)
            {
                for (var chunk = pending[i].Merged?.Slots.Length ?? 0; chunk < document.Slots.Length; chunk++)
                {
                    free.MoveNext();
                    document.Slots[chunk] = free.Current;
                    Occupy(free.Current, pending[i], chunk);
                }
            }
        }

        Documents = documents;
    }

    /// <summary>By pending document: as it will stand in the buckets; null for a deleted one.</summary>
    public IReadOnlyList<MergedDocument?> Documents { get; }

    /// <summary>Whether a bucket had no lists before.</summary>
    public bool IsNew(int bucket) => !_buckets.ContainsKey(bucket);

    /// <summary>The buckets that changed, each with its next revision.</summary>
    public IEnumerable<LexicalBucket> Buckets() =>
        _open.Select(pair =>
            pair.Value.Close(pair.Key, _buckets.TryGetValue(pair.Key, out var before) ? before.Revision + 1 : 1)
        );

    /// <summary>
    /// The buckets, emptiest first, whose room saves a new one. Otherwise they stay as they are: to put a few chunks into a full bucket
    /// means to write nearly all of its lists again, to put them into a new one costs nothing.
    /// </summary>
    private List<int> WorthFilling(int wanted)
    {
        var left = wanted > 0 ? wanted % _bucketSize : 0;
        var chosen = new List<int>();
        var withRoom = _buckets.Values.Where(bucket => bucket.Count < _bucketSize && !_open.ContainsKey(bucket.Number));
        foreach (var bucket in withRoom.OrderBy(bucket => bucket.Count).TakeWhile(_ => left > 0))
        {
            chosen.Add(bucket.Number);
            left -= _bucketSize - bucket.Count;
        }

        return left > 0 ? [] : chosen;
    }

    private MergedDocument? Keep(PendingDocument document)
    {
        var before = document.Merged?.Slots ?? [];
        var slots = new int[document.Current?.ChunkCount ?? 0];
        for (var chunk = 0; chunk < before.Length; chunk++)
        {
            if (chunk < slots.Length)
            {
                slots[chunk] = before[chunk];
                Occupy(slots[chunk], document, chunk);
            }
            else
            {
                Open(before[chunk] / _bucketSize).Release(before[chunk] % _bucketSize);
            }
        }

        return document.Current is null ? null : new MergedDocument(slots, document.Current);
    }

    private void Occupy(int slot, PendingDocument document, int chunk) =>
        Open(slot / _bucketSize)
            .Occupy(slot % _bucketSize, document.DocumentId, chunk, document.Current!.Length(chunk));

    private IEnumerable<int> FreeSlots()
    {
        foreach (var (number, bucket) in _open.ToArray())
        {
            for (var slot = 0; slot < _bucketSize; slot++)
            {
                if (bucket.IsFree(slot))
                {
                    yield return (number * _bucketSize) + slot;
                }
            }
        }

        while (true)
        {
            var number = _withRoom.TryDequeue(out var room) ? room : ++_last;
            var bucket = Open(number);
            for (var slot = 0; slot < _bucketSize; slot++)
            {
                if (bucket.IsFree(slot))
                {
                    yield return (number * _bucketSize) + slot;
                }
            }
        }
    }

    private OpenBucket Open(int number)
    {
        if (!_open.TryGetValue(number, out var bucket))
        {
            bucket = new OpenBucket(_bucketSize, _buckets.GetValueOrDefault(number));
            _open.Add(number, bucket);
        }

        return bucket;
    }

    private sealed class OpenBucket
    {
        private readonly (string? DocumentId, int Ordinal, ushort Length)[] _slots;

        public OpenBucket(int size, LexicalBucket? before)
        {
            _slots = new (string?, int, ushort)[size];
            foreach (var run in before is null ? [] : before.Runs)
            {
                for (var i = 0; i < run.Count; i++)
                {
                    _slots[run.Slot + i] = (run.DocumentId, run.Ordinal + i, before!.Lengths[run.Slot + i]);
                }
            }
        }

        public int CountFree() => _slots.Count(slot => slot.DocumentId is null);

        public bool IsFree(int slot) => _slots[slot].DocumentId is null;

        public void Release(int slot) => _slots[slot] = default;

        public void Occupy(int slot, string documentId, int ordinal, int length) =>
            _slots[slot] = (documentId, ordinal, (ushort)length);

        public LexicalBucket Close(int number, long revision)
        {
            var used = Array.FindLastIndex(_slots, slot => slot.DocumentId is not null) + 1;
            var lengths = new ushort[used];
            var runs = new List<SlotRun>();
            for (var slot = 0; slot < used; slot++)
            {
                var (documentId, ordinal, length) = _slots[slot];
                lengths[slot] = documentId is null ? LexicalBucket.Free : length;
                if (documentId is null)
                {
                    continue;
                }

                var follows =
                    runs.Count > 0
                    && runs[^1] is var last
                    && last.DocumentId == documentId
                    && last.Slot + last.Count == slot
                    && last.Ordinal + last.Count == ordinal;
                if (follows)
                {
                    runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
                }
                else
                {
                    runs.Add(new SlotRun(slot, 1, documentId, ordinal));
                }
            }

            return new LexicalBucket(number, revision, lengths, [.. runs]);
        }
    }
}
