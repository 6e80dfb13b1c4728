using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// The vectors of an index by one model at one revision, in memory. Immutable: a publish or delete makes a new state that shares all
/// blocks but those it touches, and queries of different moments each have their own.
/// </summary>
internal sealed class SqliteVectorSet
{
    /// <summary>Rows in a block: large enough that scanning dominates, small enough that none of its arrays is a burden to allocate.</summary>
    private const int BlockRows = 8192;

    /// <summary>Blocks of few rows before they are put together: each costs a publish a search by document id.</summary>
    private const int SmallBlocks = 32;

    /// <summary>Changes that are remembered, so that a query which began before the newest state can have its own.</summary>
    private const int KeptChanges = 4096;

    // Candidates are found by rounded vectors and then compared by the stored ones. Four times as many as wanted, at least 64, gave a
    // recall of .99 or more at ten results, on random vectors too, which have the closest neighbours of all.
    private const int OverFetch = 4;
    private const int LeastCandidates = 64;

    private readonly SqliteVectorRows _rows;
    private readonly (VectorBlock Block, bool[] Gone)[] _blocks;
    private readonly (long Revision, string DocumentId)[] _changes;
    private readonly long _changesSince; // complete after this revision

    private SqliteVectorSet(
        SqliteVectorRows rows,
        long revision,
        (VectorBlock, bool[])[] blocks,
        (long, string)[] changes,
        long changesSince
    ) => (_rows, Revision, _blocks, _changes, _changesSince) = (rows, revision, blocks, changes, changesSince);

    public long Revision { get; }

    /// <summary>Reads all vectors.</summary>
    public static SqliteVectorSet Load(SqliteSession session, SqliteVectorRows rows, long revision) =>
        new(rows, revision, [.. Read(session, rows, rows.ReadDocumentIds(session))], [], revision);

    /// <summary>
    /// The state at another revision, later or earlier: that of the session's transaction. Only what changed in between is read; everything
    /// when that is not known any more.
    /// </summary>
    public SqliteVectorSet MoveTo(SqliteSession session, long revision)
    {
        var later = revision > Revision ? _rows.ReadChanges(session, Revision) : [];
        if (later is null || revision < _changesSince)
        {
            return Load(session, _rows.Anew(), revision);
        }

        var changed = later
            .Concat(_changes.Where(change => change.Revision > revision))
            .Select(change => change.DocumentId)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        var blocks = Without(changed);
        blocks.AddRange(Read(session, _rows, changed));
        var changes = _changes.Where(change => change.Revision <= revision).Concat(later).ToArray();
        var forgotten = Math.Max(0, changes.Length - KeptChanges);
        return new SqliteVectorSet(
            _rows,
            revision,
            Compact(blocks),
            changes[forgotten..],
            forgotten == 0 ? _changesSince : changes[forgotten - 1].Revision
        );
    }

    /// <summary>How many candidates are compared by their stored vectors to find so many chunks.</summary>
    public static int Candidates(int count) =>
        (int)Math.Clamp((long)OverFetch * count, LeastCandidates, Array.MaxLength);

    /// <summary>Candidates: the nearest chunks by their rounded vectors.</summary>
    /// <param name="vector">The query.</param>
    /// <param name="count">How many.</param>
    /// <param name="isIncluded">Which documents count; null for all. Asked once for a document.</param>
    /// <param name="cancellationToken">Cancels the scan.</param>
    /// <exception cref="SlipwayException">The vector is of another dimension than the stored ones.</exception>
    public IReadOnlyList<ScoredChunk> Nearest(
        ReadOnlySpan<float> vector,
        int count,
        Func<string, bool>? isIncluded,
        CancellationToken cancellationToken
    )
    {
        if (_blocks.Length == 0)
        {
            return [];
        }

        _rows.RequireDimensions(vector.Length);
        var top = new TopChunks(count);
        var query = Int8Vectors.Quantize(vector);
        foreach (var (block, gone) in _blocks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var document = 0; document < block.DocumentCount; document++)
            {
                if (gone[document] || isIncluded?.Invoke(block.DocumentId(document)) == false)
                {
                    continue;
                }

                var (start, end) = block.Rows(document);
                for (var row = start; row < end; row++)
                {
                    var score = block.Vectors.Score(row, query);
                    if (score >= top.Threshold)
                    {
                        top.Add(new ScoredChunk(block.DocumentId(document), row - start, score));
                    }
                }
            }
        }

        return top.ToList();
    }

    /// <summary>The best of the candidates, by their stored vectors as the session's transaction sees them.</summary>
    public IReadOnlyList<ScoredChunk> Rescore(
        SqliteSession session,
        ReadOnlySpan<float> vector,
        IReadOnlyList<ScoredChunk> candidates,
        int count
    )
    {
        var top = new TopChunks(count);
        foreach (var candidate in candidates)
        {
            if (_rows.ReadVector(session, candidate.DocumentId, candidate.Ordinal) is { } stored)
            {
                var similarity = TensorPrimitives.CosineSimilarity(MemoryMarshal.Cast<byte, float>(stored), vector);
                top.Add(candidate with { Score = similarity });
            }
        }

        return top.ToList();
    }

    private List<(VectorBlock Block, bool[] Gone)> Without(List<string> documents)
    {
        var blocks = _blocks.ToList();
        for (var b = 0; b < blocks.Count; b++)
        {
            var copied = false;
            foreach (var document in documents)
            {
                var found = blocks[b].Block.Find(document);
                if (found >= 0 && !blocks[b].Gone[found])
                {
                    blocks[b] = copied ? blocks[b] : (blocks[b].Block, [.. blocks[b].Gone]);
                    blocks[b].Gone[found] = copied = true;
                }
            }
        }

        return blocks;
    }

    private static IEnumerable<(VectorBlock, bool[])> Read(
        SqliteSession session,
        SqliteVectorRows rows,
        IReadOnlyList<string> documents
    )
    {
        VectorBlock.Builder? block = null;
        foreach (var document in documents)
        {
            block = rows.ReadDocument(session, document, block);
            if (block?.Count >= BlockRows)
            {
                yield return Seal(block);
                block = null;
            }
        }

        if (block?.Count > 0)
        {
            yield return Seal(block);
        }
    }

    /// <summary>Puts small and half-empty blocks together once there are many.</summary>
    private (VectorBlock, bool[])[] Compact(List<(VectorBlock Block, bool[] Gone)> blocks)
    {
        var loose = blocks.Where(block => Live(block) < BlockRows / 2).ToList();
        if (loose.Count <= SmallBlocks)
        {
            return [.. blocks];
        }

        blocks.RemoveAll(loose.Contains);
        var documents = loose
            .SelectMany(block =>
                Enumerable
                    .Range(0, block.Block.DocumentCount)
                    .Where(i => !block.Gone[i])
                    .Select(i => (block.Block, Document: i))
            )
            .OrderBy(place => place.Block.DocumentId(place.Document), StringComparer.Ordinal);
        var builder = _rows.NewBlock();
        foreach (var (block, document) in documents)
        {
            builder.AddRows(block, document);
            if (builder.Count >= BlockRows)
            {
                blocks.Add(Seal(builder));
                builder = _rows.NewBlock();
            }
        }

        if (builder.Count > 0)
        {
            blocks.Add(Seal(builder));
        }

        return [.. blocks];
    }

    private static (VectorBlock, bool[]) Seal(VectorBlock.Builder builder)
    {
        var block = builder.Build();
        return (block, new bool[block.DocumentCount]);
    }

    private static int Live((VectorBlock Block, bool[] Gone) block)
    {
        var live = 0;
        for (var document = 0; document < block.Gone.Length; document++)
        {
            var (start, end) = block.Block.Rows(document);
            live += block.Gone[document] ? 0 : end - start;
        }

        return live;
    }
}
