using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>A row of <c>index_generations</c>, as one transaction sees it.</summary>
/// <param name="Id">The index.</param>
/// <param name="Analyzer">Fixed when the index was made.</param>
/// <param name="BucketSize">Chunks in a bucket; fixed too.</param>
/// <param name="Merges">Rises by one with every merge.</param>
/// <param name="Embeddings">Whose vectors answer.</param>
internal sealed record PostgresIndex(
    long Id,
    TextAnalyzer Analyzer,
    int BucketSize,
    long Merges,
    EmbeddingGeneration Embeddings
)
{
    /// <summary>The live index of a collection, or null when nothing was ever published there.</summary>
    public static Task<PostgresIndex?> FindAsync(PostgresSession session, CollectionKey collection) =>
        FindAsync(session, collection, "");

    /// <summary>
    /// The same, for the one merge that an index has at a time: the row is the lease, and the server frees it when its holder dies.
    /// </summary>
    /// <param name="session">The writer's session.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="wait">Whether to wait for a merge that is under way; otherwise null comes back at once.</param>
    public static Task<PostgresIndex?> FindForMergeAsync(
        PostgresSession session,
        CollectionKey collection,
        bool wait
    ) => FindAsync(session, collection, wait ? "for no key update" : "for no key update skip locked");

    private static async Task<PostgresIndex?> FindAsync(
        PostgresSession session,
        CollectionKey collection,
        string locked
    )
    {
        var reader = await session
            .QueryAsync(
                $"""
                select id, analyzer, bucket_size, merges, embedding_model, embedding_gaps
                from slipway.index_generations
                where tenant = $1 and collection = $2 and state = 'live'
                {locked}
                """,
                collection.Tenant,
                collection.Collection
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? new PostgresIndex(
                    reader.GetInt64(0),
                    new TextAnalyzer(AnalyzerOptions.Parse(reader.GetString(1))),
                    reader.GetInt32(2),
                    reader.GetInt64(3),
                    new EmbeddingGeneration(reader.NullableString(4), reader.GetBoolean(5))
                )
                : null;
        }
    }
}
