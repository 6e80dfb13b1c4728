using Npgsql;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>Reads the rows of the lexical tables. The statements are given to a session that sends several in one round trip.</summary>
internal static class PostgresLexicalRows
{
    /// <summary>All buckets; those that are known in their revision come without their data.</summary>
    public static (string Sql, object[] Arguments) Buckets(
        long indexId,
        IReadOnlyDictionary<int, LexicalBucket> known
    ) =>
        (
            """
            select bucket, revision, case when k.number is null then lengths end, case when k.number is null then documents end
            from slipway.lexical_buckets b
            left join unnest($2::integer[], $3::bigint[]) k (number, known) on k.number = b.bucket and k.known = b.revision
            where index_id = $1
            """,
            [
                indexId,
                known.Values.Select(bucket => bucket.Number).ToArray(),
                known.Values.Select(bucket => bucket.Revision).ToArray(),
            ]
        );

    public static async Task<Dictionary<int, LexicalBucket>> ReadBucketsAsync(
        NpgsqlDataReader reader,
        IReadOnlyDictionary<int, LexicalBucket> known,
        CancellationToken cancellationToken
    )
    {
        var buckets = new Dictionary<int, LexicalBucket>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var number = reader.GetInt32(0);
            buckets[number] = reader.IsDBNull(2)
                ? known[number]
                : LexicalBucket.Parse(number, reader.GetInt64(1), Bytes(reader, 2), Bytes(reader, 3));
        }

        return buckets;
    }

    /// <summary>Pending documents by id.</summary>
    public static (string Sql, object[] Arguments) Pending(long[] ids) =>
        (
            """
            select delta.id, delta.document_id, delta.postings, merged.slots, merged.postings
            from slipway.lexical_deltas delta
            left join slipway.lexical_documents merged using (index_id, document_id)
            where delta.id = any ($1)
            """,
            [ids]
        );

    /// <summary>The oldest pending documents that no writer is at, locked.</summary>
    public static (string Sql, object[] Arguments) PendingForMerge(long indexId, int limit) =>
        (
            """
            select delta.id, delta.document_id, delta.postings, merged.slots, merged.postings
            from slipway.lexical_deltas delta
            left join slipway.lexical_documents merged using (index_id, document_id)
            where delta.index_id = $1
            order by delta.id
            limit $2
            for update of delta skip locked
            """,
            [indexId, limit]
        );

    /// <summary>Merged documents, as if they were pending.</summary>
    public static (string Sql, object[] Arguments) Merged(long indexId, string[] documentIds) =>
        (
            """
            select 0::bigint, document_id, null::bytea, slots, postings
            from slipway.lexical_documents
            where index_id = $1 and document_id = any ($2)
            """,
            [indexId, documentIds]
        );

    public static async Task<List<PendingDocument>> ReadPendingAsync(
        NpgsqlDataReader reader,
        CancellationToken cancellationToken
    )
    {
        var pending = new List<PendingDocument>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            pending.Add(
                new PendingDocument(
                    reader.GetInt64(0),
                    reader.GetString(1),
                    reader.IsDBNull(3)
                        ? null
                        : MergedDocument.Parse(Bytes(reader, 3), DocumentPostings.Parse(Bytes(reader, 4))),
                    reader.IsDBNull(2) ? null : DocumentPostings.Parse(Bytes(reader, 2))
                )
            );
        }

        return pending;
    }

    /// <summary>The lists of some terms.</summary>
    public static (string Sql, object[] Arguments) Postings(long indexId, long[] terms) =>
        (
            "select term, bucket, count, data from slipway.lexical_postings where index_id = $1 and term = any ($2)",
            [indexId, terms]
        );

    public static async Task<Dictionary<ulong, TermPostings>> ReadPostingsAsync(
        NpgsqlDataReader reader,
        CancellationToken cancellationToken
    )
    {
        var postings = new Dictionary<ulong, TermPostings>();
        var buffer = new byte[16 * 1024];
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var term = unchecked((ulong)reader.GetInt64(0));
            if (!postings.TryGetValue(term, out var lists))
            {
                postings.Add(term, lists = new TermPostings());
            }

            var length = (int)reader.GetBytes(3, 0, null, 0, 0);
            if (buffer.Length < length)
            {
                buffer = new byte[length];
            }

            reader.GetBytes(3, 0, buffer, 0, length);
            lists.Add(reader.GetInt32(1), reader.GetInt32(2), buffer.AsSpan(0, length));
        }

        return postings;
    }

    private static byte[] Bytes(NpgsqlDataReader reader, int column) => reader.GetFieldValue<byte[]>(column);
}
