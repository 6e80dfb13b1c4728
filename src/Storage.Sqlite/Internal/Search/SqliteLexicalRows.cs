using Microsoft.Data.Sqlite;
using Slipway.Rag.Retrieval.Lexical;
using SQLitePCL;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>Reads and writes the rows of the lexical tables.</summary>
internal static class SqliteLexicalRows
{
    public static void ReadTerm(SqliteSession session, long indexId, ulong term, TermPostings postings)
    {
        postings.Clear();
        using var reader = session.Query(
            "select bucket, count, data from lexical_postings where index_id = $1 and term = $2",
            indexId,
            unchecked((long)term)
        );
        while (reader.Read())
        {
            postings.Add(reader.GetInt32(0), reader.GetInt32(1), Blob(reader, 2));
        }
    }

    /// <summary>All buckets, those that <paramref name="known"/> has in this revision from there.</summary>
    public static Dictionary<int, LexicalBucket> ReadBuckets(
        SqliteSession session,
        long indexId,
        IReadOnlyDictionary<int, LexicalBucket> known
    )
    {
        var buckets = new Dictionary<int, LexicalBucket>();
        using var reader = session.Query(
            "select bucket, revision, lengths, documents from lexical_buckets where index_id = $1",
            indexId
        );
        while (reader.Read())
        {
            var (number, revision) = (reader.GetInt32(0), reader.GetInt64(1));
            buckets[number] =
                known.TryGetValue(number, out var bucket) && bucket.Revision == revision
                    ? bucket
                    : LexicalBucket.Parse(number, revision, Blob(reader, 2), Blob(reader, 3));
        }

        return buckets;
    }

    /// <summary>The oldest pending documents, those that <paramref name="known"/> has from there.</summary>
    public static List<PendingDocument> ReadPending(
        SqliteSession session,
        long indexId,
        IReadOnlyDictionary<long, PendingDocument> known,
        int limit = int.MaxValue
    )
    {
        var ids = new List<long>();
        using (
            var reader = session.Query(
                "select id from lexical_deltas where index_id = $1 order by id limit $2",
                indexId,
                limit
            )
        )
        {
            while (reader.Read())
            {
                ids.Add(reader.GetInt64(0));
            }
        }

        return ids.ConvertAll(id => known.TryGetValue(id, out var document) ? document : ReadPending(session, id));
    }

    public static void WriteBucket(SqliteSession session, long indexId, LexicalBucket bucket) =>
        session.Execute(
            "insert or replace into lexical_buckets (index_id, bucket, revision, lengths, documents) values ($1, $2, $3, $4, $5)",
            indexId,
            bucket.Number,
            bucket.Revision,
            bucket.PackLengths(),
            bucket.PackRuns()
        );

    public static void WriteDocument(SqliteSession session, long indexId, string documentId, MergedDocument? document)
    {
        if (document is null)
        {
            session.Execute(
                "delete from lexical_documents where index_id = $1 and document_id = $2",
                indexId,
                documentId
            );
            return;
        }

        session.Execute(
            "insert or replace into lexical_documents (index_id, document_id, slots, postings) values ($1, $2, $3, $4)",
            indexId,
            documentId,
            document.PackSlots(),
            document.Postings.Data
        );
    }

    private static PendingDocument ReadPending(SqliteSession session, long id)
    {
        using var reader = session.Query(
            """
            select delta.document_id, delta.postings, merged.slots, merged.postings
            from lexical_deltas delta left join lexical_documents merged using (index_id, document_id)
            where delta.id = $1
            """,
            id
        );
        reader.Read();
        return new PendingDocument(
            id,
            reader.GetString(0),
            reader.IsDBNull(2)
                ? null
                : MergedDocument.Parse(Blob(reader, 2), DocumentPostings.Parse(reader.GetFieldValue<byte[]>(3))),
            reader.IsDBNull(1) ? null : DocumentPostings.Parse(reader.GetFieldValue<byte[]>(1))
        );
    }

    /// <summary>The bytes where SQLite has them, without a copy; good until the next row.</summary>
    private static ReadOnlySpan<byte> Blob(SqliteDataReader reader, int ordinal) =>
        raw.sqlite3_column_blob(reader.Handle!, ordinal);
}
