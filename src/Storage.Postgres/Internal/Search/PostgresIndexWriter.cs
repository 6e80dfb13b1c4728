using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// The search side of publishing and deleting. Called inside the transaction that writes the document, on the writer's session: the
/// index never says anything else than the chunks.
/// </summary>
/// <remarks>
/// A writer touches one row, the document's delta, and locks it. A merge takes only deltas that it can lock at once, so neither ever
/// waits for the other with something in its hands that the other wants.
/// </remarks>
internal static class PostgresIndexWriter
{
    /// <summary>Chunks in a bucket. Measured best up to 500,000 chunks.</summary>
    public const int BucketSize = 4096;

    /// <summary>Fewer documents are better kept for a merge: they would rewrite nearly as many lists as a thousand do.</summary>
    public const int FoldedAtOnce = 150;

    /// <summary>The live index of a collection; made when there is none.</summary>
    /// <param name="session">The writer's session.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="analyzer">For a new index; one that exists keeps its own. Null for English.</param>
    /// <param name="now">The application's time.</param>
    public static async Task<PostgresIndex> GetOrCreateIndexAsync(
        PostgresSession session,
        CollectionKey collection,
        AnalyzerOptions? analyzer,
        DateTimeOffset now
    )
    {
        if (await PostgresIndex.FindAsync(session, collection).ConfigureAwait(false) is { } index)
        {
            return index;
        }

        // Somebody else may be making it: the insert waits for that transaction and then does nothing.
        session.Queue(
            """
            insert into slipway.index_generations (tenant, collection, generation, state, analyzer, bucket_size, created_at)
            values ($1, $2, 1, 'live', $3, $4, $5)
            on conflict (tenant, collection, generation) do nothing
            """,
            collection.Tenant,
            collection.Collection,
            (analyzer ?? AnalyzerOptions.English).Name,
            BucketSize,
            now
        );
        return (await PostgresIndex.FindAsync(session, collection).ConfigureAwait(false))!;
    }

    /// <summary>
    /// Notes by which model documents were embedded: the first one of a collection answers from then on, any other one leaves a gap in the
    /// vectors of the one that does. The statement is queued.
    /// </summary>
    public static void NoteModel(
        PostgresSession session,
        PostgresIndex index,
        CollectionKey collection,
        string[] documentIds,
        string? model
    )
    {
        if (index.Embeddings.Model == model || index.Embeddings is { Model: not null, MayHaveGaps: true })
        {
            return;
        }

        if (index.Embeddings.Model is not null)
        {
            session.Queue("update slipway.index_generations set embedding_gaps = true where id = $1", index.Id);
            return;
        }

        session.Queue(
            """
            update slipway.index_generations set embedding_model = $2
            where id = $1 and embedding_model is null and not exists (
                select from slipway.documents where tenant = $3 and collection = $4 and version > 0 and id <> all($5))
            """,
            index.Id,
            model,
            collection.Tenant,
            collection.Collection,
            documentIds
        );
    }

    /// <summary>
    /// Replaces what the index says of a document. It is found from the commit on, before any merge. The statement is queued: it travels
    /// with the publisher's own.
    /// </summary>
    /// <param name="session">The writer's session, which has the document's row locked.</param>
    /// <param name="index">From <see cref="GetOrCreateIndexAsync"/>, in this transaction.</param>
    /// <param name="documentId">The document.</param>
    /// <param name="chunks">All chunks of its new version, by ordinal from 0 without gaps.</param>
    /// <param name="prepared">
    /// The chunks' postings, if they were built before the transaction (<see cref="DocumentPostings.Build"/>). They must come from the
    /// index's own analyser.
    /// </param>
    public static void Publish(
        PostgresSession session,
        PostgresIndex index,
        string documentId,
        IReadOnlyList<ChunkRecord> chunks,
        DocumentPostings? prepared = null
    ) => WriteDelta(session, index, documentId, (prepared ?? DocumentPostings.Build(index.Analyzer, chunks)).Data);

    /// <summary>The same for several documents. Many are folded in right away.</summary>
    public static async Task PublishAsync(
        PostgresSession session,
        CollectionKey collection,
        PostgresIndex index,
        IReadOnlyList<(string DocumentId, DocumentPostings Postings)> documents
    )
    {
        if (documents.Count >= FoldedAtOnce)
        {
            await PostgresMerge.FoldAsync(session, collection, documents).ConfigureAwait(false);
            return;
        }

        foreach (var (documentId, postings) in documents)
        {
            WriteDelta(session, index, documentId, postings.Data);
        }
    }

    /// <summary>
    /// Takes a document out of the index, in the transaction that has deleted its row; where there was none to delete, a publisher may be
    /// making it. The statement is queued. It writes a delta even for a document that was never merged: a merge that is under way may be
    /// folding it in at this moment.
    /// </summary>
    public static void Delete(PostgresSession session, PostgresIndex index, string documentId) =>
        WriteDelta(session, index, documentId, null);

    // The id becomes a new one: it is how other processes see that the content is new.
    private static void WriteDelta(PostgresSession session, PostgresIndex index, string documentId, byte[]? postings) =>
        session.Queue(
            """
            insert into slipway.lexical_deltas (index_id, document_id, postings) values ($1, $2, $3)
            on conflict (index_id, document_id) do update set id = default, postings = excluded.postings
            """,
            index.Id,
            documentId,
            postings
        );
}
