using System.Buffers;
using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// Folds pending documents into the buckets, inside one transaction. An index has one merge at a time, so the buckets are its own; of the
/// deltas it takes those that no publisher holds, and a publisher of one of them waits until the merge has committed.
/// </summary>
internal static class PostgresMerge
{
    /// <summary>Lists that are read and written in one statement: some megabytes.</summary>
    private const int ListsAtOnce = 8192;

    /// <summary>From so many documents on, a COPY is worth its round trips.</summary>
    private const int CopiedDocuments = 100;

    /// <summary>Folds in what is pending.</summary>
    /// <returns>How many documents were folded in; 0 also when another merge of the index is under way.</returns>
    public static async Task<int> RunAsync(PostgresSession session, CollectionKey collection, int limit)
    {
        if (
            await PostgresIndex.FindForMergeAsync(session, collection, wait: false).ConfigureAwait(false)
            is not { } index
        )
        {
            return 0;
        }

        var (pending, buckets) = await ReadAsync(session, index, PostgresLexicalRows.PendingForMerge(index.Id, limit))
            .ConfigureAwait(false);
        if (pending.Count > 0)
        {
            await FoldAsync(session, index, pending, buckets).ConfigureAwait(false);
        }

        return pending.Count;
    }

    /// <summary>
    /// Folds in documents that this transaction publishes, without a delta: for many at once that is half the work. The session has their
    /// rows locked, so nobody else speaks for them. It waits for a merge that is under way, which waits for nobody.
    /// </summary>
    public static async Task FoldAsync(
        PostgresSession session,
        CollectionKey collection,
        IReadOnlyList<(string DocumentId, DocumentPostings Postings)> documents
    )
    {
        var index = (await PostgresIndex.FindForMergeAsync(session, collection, wait: true).ConfigureAwait(false))!;
        var ids = Array(documents, document => document.DocumentId);
        session.Queue(
            "delete from slipway.lexical_deltas where index_id = $1 and document_id = any ($2)",
            index.Id,
            ids
        );
        var (merged, buckets) = await ReadAsync(session, index, PostgresLexicalRows.Merged(index.Id, ids))
            .ConfigureAwait(false);
        var before = merged.ToDictionary(document => document.DocumentId, document => document.Merged);
        await FoldAsync(
                session,
                index,
                [
                    .. documents.Select(document => new PendingDocument(
                        0,
                        document.DocumentId,
                        before.GetValueOrDefault(document.DocumentId),
                        document.Postings
                    )),
                ],
                buckets
            )
            .ConfigureAwait(false);
    }

    private static async Task FoldAsync(
        PostgresSession session,
        PostgresIndex index,
        List<PendingDocument> pending,
        Dictionary<int, LexicalBucket> buckets
    )
    {
        var plan = new SlotPlan(buckets, pending, index.BucketSize);
        await RewritePostingsAsync(session, index, plan, PostingEdits.InParts(pending, plan.Documents))
            .ConfigureAwait(false);
        WriteBuckets(session, index, [.. plan.Buckets()]);
        await WriteDocumentsAsync(session, index, pending, plan).ConfigureAwait(false);
        session.Queue(
            "delete from slipway.lexical_deltas where id = any ($1)",
            Array(pending, document => document.Id)
        );
        session.Queue("update slipway.index_generations set merges = merges + 1 where id = $1", index.Id);
        await session.FlushAsync().ConfigureAwait(false);
    }

    private static async Task<(List<PendingDocument>, Dictionary<int, LexicalBucket>)> ReadAsync(
        PostgresSession session,
        PostgresIndex index,
        (string Sql, object[] Arguments) documents
    )
    {
        var known = new Dictionary<int, LexicalBucket>();
        session.Queue(documents.Sql, documents.Arguments);
        var (sql, arguments) = PostgresLexicalRows.Buckets(index.Id, known);
        var reader = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var pending = await PostgresLexicalRows
                .ReadPendingAsync(reader, session.CancellationToken)
                .ConfigureAwait(false);
            await reader.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
            return (
                pending,
                await PostgresLexicalRows
                    .ReadBucketsAsync(reader, known, session.CancellationToken)
                    .ConfigureAwait(false)
            );
        }
    }

    /// <summary>Part by part: while the server writes one, the next one is made.</summary>
    private static async Task RewritePostingsAsync(
        PostgresSession session,
        PostgresIndex index,
        SlotPlan plan,
        IEnumerable<PostingEdits> parts
    )
    {
        using var changes = parts.GetEnumerator();
        for (var next = NextAsync(); await next.ConfigureAwait(false) is var (added, changed); )
        {
            next = NextAsync();
            try
            {
                await CopyAsync(session, index, added).ConfigureAwait(false);
                foreach (var lists in changed.Chunk(ListsAtOnce))
                {
                    await RewriteAsync(session, index, lists).ConfigureAwait(false);
                }
            }
            catch
            {
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw;
            }
        }

        Task<(List<PackedList> Added, List<ListEdits> Changed)?> NextAsync() =>
            Task.Run(() =>
                changes.MoveNext()
                    ? Lists(changes.Current, plan, index.BucketSize)
                    : (ValueTuple<List<PackedList>, List<ListEdits>>?)null
            );
    }

    /// <summary>The lists of buckets that are new, packed, and what changes in the others.</summary>
    private static (List<PackedList> Added, List<ListEdits> Changed) Lists(
        PostingEdits changes,
        SlotPlan plan,
        int bucketSize
    )
    {
        var (added, changed) = (new List<PackedList>(), new List<ListEdits>());
        var edits = new List<Posting>();
        var packed = new ArrayBufferWriter<byte>(4096);
        foreach (var term in changes.Terms())
        {
            changes.Read(term, edits);
            foreach (var list in ByBucket(term, edits, bucketSize))
            {
                if (plan.IsNew(list.Bucket))
                {
                    added.Add(list.Apply([], bucketSize, packed));
                }
                else
                {
                    changed.Add(list);
                }
            }
        }

        return (added, changed);
    }

    private static IEnumerable<ListEdits> ByBucket(ulong term, List<Posting> edits, int bucketSize)
    {
        for (var i = 0; i < edits.Count; )
        {
            var (bucket, first) = (edits[i].Slot / bucketSize, i);
            while (i < edits.Count && edits[i].Slot / bucketSize == bucket)
            {
                i++;
            }

            var inBucket = new Posting[i - first];
            for (var k = 0; k < inBucket.Length; k++)
            {
                inBucket[k] = edits[first + k] with { Slot = edits[first + k].Slot % bucketSize };
            }

            yield return new ListEdits(unchecked((long)term), bucket, inBucket);
        }
    }

    /// <summary>Reads lists, changes them and writes them back; a list without postings goes away.</summary>
    private static async Task RewriteAsync(PostgresSession session, PostgresIndex index, ListEdits[] batch)
    {
        var packed = new ArrayBufferWriter<byte>(4096);
        var before = await ReadListsAsync(session, index, batch).ConfigureAwait(false);
        var (kept, gone) = (new List<PackedList>(batch.Length), new List<PackedList>());
        foreach (var list in batch)
        {
            var after = list.Apply(before.GetValueOrDefault((list.Term, list.Bucket), []), index.BucketSize, packed);
            (after.Count > 0 ? kept : gone).Add(after);
        }

        if (gone.Count > 0)
        {
            session.Queue(
                """
                delete from slipway.lexical_postings p using unnest($2::bigint[], $3::integer[]) g (term, bucket)
                where p.index_id = $1 and p.term = g.term and p.bucket = g.bucket
                """,
                index.Id,
                Array(gone, list => list.Term),
                Array(gone, list => list.Bucket)
            );
        }

        session.Queue(
            """
            insert into slipway.lexical_postings as p (index_id, term, bucket, count, data)
            select $1, k.* from unnest($2::bigint[], $3::integer[], $4::integer[], $5::bytea[]) k
            on conflict (index_id, term, bucket) do update set count = excluded.count, data = excluded.data
            """,
            index.Id,
            Array(kept, list => list.Term),
            Array(kept, list => list.Bucket),
            Array(kept, list => list.Count),
            Array(kept, list => list.Data)
        );
        await session.FlushAsync().ConfigureAwait(false);
    }

    private static async Task<Dictionary<(long Term, int Bucket), byte[]>> ReadListsAsync(
        PostgresSession session,
        PostgresIndex index,
        ListEdits[] batch
    )
    {
        var lists = new Dictionary<(long, int), byte[]>(batch.Length);
        var reader = await session
            .QueryAsync(
                """
                select p.term, p.bucket, p.data
                from unnest($2::bigint[], $3::integer[]) w (term, bucket)
                join slipway.lexical_postings p on p.index_id = $1 and p.term = w.term and p.bucket = w.bucket
                """,
                index.Id,
                Array(batch, list => list.Term),
                Array(batch, list => list.Bucket)
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                lists.Add((reader.GetInt64(0), reader.GetInt32(1)), reader.GetFieldValue<byte[]>(2));
            }
        }

        return lists;
    }

    private static async Task CopyAsync(PostgresSession session, PostgresIndex index, List<PackedList> lists)
    {
        if (lists.Count == 0)
        {
            return;
        }

        await session.FlushAsync().ConfigureAwait(false);
        var import = await session
            .Connection.BeginBinaryImportAsync(
                "copy slipway.lexical_postings (index_id, term, bucket, count, data) from stdin (format binary)",
                session.CancellationToken
            )
            .ConfigureAwait(false);
        await using (import.ConfigureAwait(false))
        {
            foreach (var list in lists)
            {
                await import.StartRowAsync(session.CancellationToken).ConfigureAwait(false);
                await import.WriteAsync(index.Id, NpgsqlDbType.Bigint, session.CancellationToken).ConfigureAwait(false);
                await import
                    .WriteAsync(list.Term, NpgsqlDbType.Bigint, session.CancellationToken)
                    .ConfigureAwait(false);
                await import
                    .WriteAsync(list.Bucket, NpgsqlDbType.Integer, session.CancellationToken)
                    .ConfigureAwait(false);
                await import
                    .WriteAsync(list.Count, NpgsqlDbType.Integer, session.CancellationToken)
                    .ConfigureAwait(false);
                await import.WriteAsync(list.Data, NpgsqlDbType.Bytea, session.CancellationToken).ConfigureAwait(false);
            }

            await import.CompleteAsync(session.CancellationToken).ConfigureAwait(false);
        }
    }

    private static void WriteBuckets(PostgresSession session, PostgresIndex index, LexicalBucket[] buckets) =>
        session.Queue(
            """
            insert into slipway.lexical_buckets (index_id, bucket, revision, lengths, documents)
            select $1, b.* from unnest($2::integer[], $3::bigint[], $4::bytea[], $5::bytea[]) b
            on conflict (index_id, bucket) do update
            set revision = excluded.revision, lengths = excluded.lengths, documents = excluded.documents
            """,
            index.Id,
            Array(buckets, bucket => bucket.Number),
            Array(buckets, bucket => bucket.Revision),
            Array(buckets, bucket => bucket.PackLengths()),
            Array(buckets, bucket => bucket.PackRuns())
        );

    private static async Task WriteDocumentsAsync(
        PostgresSession session,
        PostgresIndex index,
        List<PendingDocument> pending,
        SlotPlan plan
    )
    {
        var kept = pending
            .Zip(plan.Documents)
            .Where(pair => pair.Second is not null)
            .ToLookup(pair => pair.First.Merged is null && plan.Documents.Count >= CopiedDocuments);
        if (kept[true].Any())
        {
            await CopyAsync(session, index, kept[true]).ConfigureAwait(false);
        }

        var written = kept[false].ToArray();
        if (written.Length > 0)
        {
            session.Queue(
                """
                insert into slipway.lexical_documents (index_id, document_id, slots, postings)
                select $1, d.* from unnest($2::text[], $3::bytea[], $4::bytea[]) d
                on conflict (index_id, document_id) do update set slots = excluded.slots, postings = excluded.postings
                """,
                index.Id,
                Array(written, pair => pair.First.DocumentId),
                Array(written, pair => pair.Second!.PackSlots()),
                Array(written, pair => pair.Second!.Postings.Data)
            );
        }

        var gone = pending.Where(document => document.Current is null).ToArray();
        if (gone.Length > 0)
        {
            session.Queue(
                "delete from slipway.lexical_documents where index_id = $1 and document_id = any ($2)",
                index.Id,
                Array(gone, document => document.DocumentId)
            );
        }
    }

    private static async Task CopyAsync(
        PostgresSession session,
        PostgresIndex index,
        IEnumerable<(PendingDocument Pending, MergedDocument? Merged)> documents
    )
    {
        await session.FlushAsync().ConfigureAwait(false);
        var token = session.CancellationToken;
        var import = await session
            .Connection.BeginBinaryImportAsync(
                "copy slipway.lexical_documents (index_id, document_id, slots, postings) from stdin (format binary)",
                token
            )
            .ConfigureAwait(false);
        await using (import.ConfigureAwait(false))
        {
            foreach (var (document, merged) in documents)
            {
                await import.StartRowAsync(token).ConfigureAwait(false);
                await import.WriteAsync(index.Id, NpgsqlDbType.Bigint, token).ConfigureAwait(false);
                await import.WriteAsync(document.DocumentId, NpgsqlDbType.Text, token).ConfigureAwait(false);
                await import.WriteAsync(merged!.PackSlots(), NpgsqlDbType.Bytea, token).ConfigureAwait(false);
                await import.WriteAsync(merged.Postings.Data, NpgsqlDbType.Bytea, token).ConfigureAwait(false);
            }

            await import.CompleteAsync(token).ConfigureAwait(false);
        }
    }

    private static TResult[] Array<T, TResult>(IReadOnlyCollection<T> items, Func<T, TResult> select) =>
        [.. items.Select(select)];

    /// <summary>What changes in a list.</summary>
    private readonly record struct ListEdits(long Term, int Bucket, Posting[] Edits)
    {
        public PackedList Apply(ReadOnlySpan<byte> before, int bucketSize, ArrayBufferWriter<byte> packed)
        {
            packed.ResetWrittenCount();
            var count = PostingEdits.Apply(before, bucketSize, Edits, packed);
            return new PackedList(Term, Bucket, count, packed.WrittenSpan.ToArray());
        }
    }

    /// <summary>A list as it is stored.</summary>
    private readonly record struct PackedList(long Term, int Bucket, int Count, byte[] Data);
}
