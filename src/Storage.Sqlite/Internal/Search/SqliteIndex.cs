using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>A row of <c>index_generations</c>, as one transaction sees it.</summary>
/// <param name="Id">The index.</param>
/// <param name="Analyzer">Fixed when the index was made.</param>
/// <param name="BucketSize">Chunks in a bucket; fixed too.</param>
/// <param name="Revision">Rises by one with every publish and delete.</param>
/// <param name="Merges">Rises by one with every merge.</param>
/// <param name="Embeddings">Whose vectors answer.</param>
internal sealed record SqliteIndex(
    long Id,
    TextAnalyzer Analyzer,
    int BucketSize,
    long Revision,
    long Merges,
    EmbeddingGeneration Embeddings
)
{
    /// <summary>The live index of a collection, or null when nothing was ever published there.</summary>
    public static SqliteIndex? Find(SqliteSession session, CollectionKey collection)
    {
        using var reader = session.Query(
            """
            select id, analyzer, bucket_size, revision, merges, embedding_model, embedding_gaps
            from index_generations
            where tenant = $1 and collection = $2 and state = 'live'
            """,
            collection.Tenant,
            collection.Collection
        );
        return reader.Read()
            ? new SqliteIndex(
                reader.GetInt64(0),
                new TextAnalyzer(AnalyzerOptions.Parse(reader.GetString(1))),
                reader.GetInt32(2),
                reader.GetInt64(3),
                reader.GetInt64(4),
                new EmbeddingGeneration(reader.IsDBNull(5) ? null : reader.GetString(5), reader.GetBoolean(6))
            )
            : null;
    }
}
