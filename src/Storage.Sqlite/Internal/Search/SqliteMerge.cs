using System.Buffers;
using System.Runtime.InteropServices;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>Folds pending documents into the buckets, inside one write transaction.</summary>
internal static class SqliteMerge
{
    /// <summary>Revisions that the change log keeps; a process that is further behind reads all vectors again.</summary>
    private const int KeptChanges = 10_000;

    /// <returns>How many documents were folded in.</returns>
    public static int Run(SqliteSession session, SqliteIndex index, int limit)
    {
        var pending = SqliteLexicalRows.ReadPending(session, index.Id, new Dictionary<long, PendingDocument>(), limit);
        if (pending.Count == 0)
        {
            return 0;
        }

        var buckets = SqliteLexicalRows.ReadBuckets(session, index.Id, new Dictionary<int, LexicalBucket>());
        var plan = new SlotPlan(buckets, pending, index.BucketSize);
        RewritePostings(session, index, plan, PostingEdits.InParts(pending, plan.Documents));
        foreach (var bucket in plan.Buckets())
        {
            SqliteLexicalRows.WriteBucket(session, index.Id, bucket);
        }

        for (var i = 0; i < pending.Count; i++)
        {
            SqliteLexicalRows.WriteDocument(session, index.Id, pending[i].DocumentId, plan.Documents[i]);
            session.Execute("delete from lexical_deltas where id = $1", pending[i].Id);
        }

        session.Execute("update index_generations set merges = merges + 1 where id = $1", index.Id);
        session.Execute(
            "delete from index_changes where index_id = $1 and revision <= $2",
            index.Id,
            index.Revision - KeptChanges
        );
        return pending.Count;
    }

    private static void RewritePostings(
        SqliteSession session,
        SqliteIndex index,
        SlotPlan plan,
        IEnumerable<PostingEdits> parts
    )
    {
        var edits = new List<Posting>();
        var packed = new ArrayBufferWriter<byte>(4096);
        using var table = new SqlitePostingsTable(session, index.Id);
        foreach (var (part, term) in parts.SelectMany(part => part.Terms().Select(term => (part, term))))
        {
            part.Read(term, edits);
            for (var i = 0; i < edits.Count; )
            {
                var (bucket, first) = (edits[i].Slot / index.BucketSize, i);
                for (; i < edits.Count && edits[i].Slot / index.BucketSize == bucket; i++)
                {
                    edits[i] = edits[i] with { Slot = edits[i].Slot % index.BucketSize };
                }

                packed.ResetWrittenCount();
                var count = PostingEdits.Apply(
                    plan.IsNew(bucket) ? [] : table.Read(term, bucket),
                    index.BucketSize,
                    CollectionsMarshal.AsSpan(edits)[first..i],
                    packed
                );
                table.Write(term, bucket, count, packed.WrittenSpan);
            }
        }
    }
}
