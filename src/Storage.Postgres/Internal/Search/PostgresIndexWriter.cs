using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// The search side of publishing and deleting. Called inside the transaction that writes the document, on the writer's session: the
/// index never says anything else than the chunks.
/// </summary>
internal static class PostgresIndexWriter
{
    /// <summary>Chunks in a bucket. Measured best up to 500,000 chunks.</summary>
    public const int BucketSize = 4096;

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
    /// Replaces what the index says of a document. It is found from the commit on, before any merge. Statements are queued: they travel
    /// with the publisher's own.
    /// </summary>
    /// <param name="session">The writer's session, which has locked the document's row.</param>
    /// <param name="index">From <see cref="GetOrCreateIndexAsync"/>, in this transaction.</param>
    /// <param name="documentId">The document.</param>
    /// <param name="chunks">All chunks of its new version, by ordinal from 0 without gaps.</param>
    /// <param name="prepared">
    /// The chunks' postings, if they were built before the transaction (<see cref="DocumentPostings.Build"/>). They must come from the
    /// index's own analyser.
    /// </param>
    public static Task PublishAsync(
        PostgresSession session,
        PostgresIndex index,
        string documentId,
        IReadOnlyList<ChunkRecord> chunks,
        DocumentPostings? prepared = null
    )
    {
        var postings = prepared ?? DocumentPostings.Build(index.Analyzer, chunks);
        WriteDelta(session, index, documentId, postings.Data);
        return Task.CompletedTask;
    }

    /// <summary>Takes a document out of the index.</summary>
    public static async Task DeleteAsync(PostgresSession session, PostgresIndex index, string documentId)
    {
        var merged = await session
            .ScalarAsync(
                "select 1 from slipway.lexical_documents where index_id = $1 and document_id = $2 for update",
                index.Id,
                documentId
            )
            .ConfigureAwait(false);
        if (merged is null)
        {
            session.Queue(
                "delete from slipway.lexical_deltas where index_id = $1 and document_id = $2",
                index.Id,
                documentId
            );
        }
        else
        {
            WriteDelta(session, index, documentId, null);
        }
    }

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
