using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// The search side of publishing and deleting. Called inside the transaction that writes the document, on the writer's session: the
/// index never says anything else than the chunks.
/// </summary>
internal static class SqliteIndexWriter
{
    /// <summary>Chunks in a bucket. Measured best on SQLite from 10,000 to 1,000,000 chunks.</summary>
    public const int BucketSize = 4096;

    /// <summary>The live index of a collection; made when there is none.</summary>
    /// <param name="session">The writer's session.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="analyzer">For a new index; one that exists keeps its own. Null for English.</param>
    public static SqliteIndex GetOrCreateIndex(
        SqliteSession session,
        CollectionKey collection,
        AnalyzerOptions? analyzer = null
    )
    {
        if (SqliteIndex.Find(session, collection) is { } index)
        {
            return index;
        }

        session.Execute(
            """
            insert into index_generations (tenant, collection, generation, state, analyzer, bucket_size, created_at)
            values ($1, $2, 1, 'live', $3, $4, slipway_now())
            """,
            collection.Tenant,
            collection.Collection,
            (analyzer ?? AnalyzerOptions.English).Name,
            BucketSize
        );
        return SqliteIndex.Find(session, collection)!;
    }

    /// <summary>
    /// Notes by which model a document was embedded: the first one of a collection answers from then on, any other one leaves a gap in the
    /// vectors of the one that does.
    /// </summary>
    public static void NoteModel(
        SqliteSession session,
        SqliteIndex index,
        CollectionKey collection,
        string documentId,
        string? model
    )
    {
        if (index.Embeddings.Model == model)
        {
            return;
        }

        if (index.Embeddings.Model is not null)
        {
            session.Execute("update index_generations set embedding_gaps = 1 where id = $1", index.Id);
            return;
        }

        session.Execute(
            """
            update index_generations set embedding_model = $2
            where id = $1 and not exists (
                select 1 from documents where tenant = $3 and collection = $4 and version > 0 and id <> $5)
            """,
            index.Id,
            model,
            collection.Tenant,
            collection.Collection,
            documentId
        );
    }

    /// <summary>
    /// Replaces what the index says of a document. It is found from the commit on, before any merge.
    /// </summary>
    /// <param name="session">The writer's session.</param>
    /// <param name="index">From <see cref="GetOrCreateIndex"/>, in this transaction.</param>
    /// <param name="documentId">The document.</param>
    /// <param name="chunks">All chunks of its new version, by ordinal from 0 without gaps.</param>
    /// <param name="prepared">
    /// The chunks' postings, if they were built before the transaction (<see cref="DocumentPostings.Build"/>): analysis takes longer
    /// than writing and need not hold the write lock. They must come from the index's own analyser.
    /// </param>
    public static void Publish(
        SqliteSession session,
        SqliteIndex index,
        string documentId,
        IReadOnlyList<ChunkRecord> chunks,
        DocumentPostings? prepared = null
    )
    {
        var postings = prepared ?? DocumentPostings.Build(index.Analyzer, chunks);
        WriteDelta(session, index, documentId, postings.Data);
        Changed(session, index, documentId);
    }

    /// <summary>Takes a document out of the index.</summary>
    public static void Delete(SqliteSession session, SqliteIndex index, string documentId)
    {
        var merged = session.Scalar(
            "select 1 from lexical_documents where index_id = $1 and document_id = $2",
            index.Id,
            documentId
        );
        if (merged is null)
        {
            session.Execute(
                "delete from lexical_deltas where index_id = $1 and document_id = $2",
                index.Id,
                documentId
            );
        }
        else
        {
            WriteDelta(session, index, documentId, null);
        }

        Changed(session, index, documentId);
    }

    // Not an update in place: a new id is how other processes see that the content is new.
    private static void WriteDelta(SqliteSession session, SqliteIndex index, string documentId, byte[]? postings) =>
        session.Execute(
            "insert or replace into lexical_deltas (index_id, document_id, postings) values ($1, $2, $3)",
            index.Id,
            documentId,
            postings
        );

    private static void Changed(SqliteSession session, SqliteIndex index, string documentId)
    {
        session.Execute("update index_generations set revision = revision + 1 where id = $1", index.Id);
        session.Execute(
            """
            insert into index_changes (index_id, revision, document_id)
            select id, revision, $2 from index_generations where id = $1
            """,
            index.Id,
            documentId
        );
    }
}
