using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentStore
{
    public ValueTask<IReadOnlySet<string>> FindEmbeddedAsync(
        string embeddingModel,
        IReadOnlyCollection<string> contentHashes,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlySet<string>>(
            null,
            async session =>
            {
                var found = new HashSet<string>(StringComparer.Ordinal);
                var reader = await session
                    .QueryAsync(
                        "select content_hash from slipway.embeddings where model = $1 and content_hash = any($2)",
                        embeddingModel,
                        contentHashes.ToArray()
                    )
                    .ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        found.Add(reader.GetString(0));
                    }
                }

                return found;
            },
            cancellationToken
        );

    public ValueTask SaveEmbeddingsAsync(
        string embeddingModel,
        IReadOnlyList<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            null,
            session => PostgresEmbeddings.SaveAsync(session, embeddingModel, embeddings, database.Now),
            cancellationToken
        );

    public ValueTask<EmbeddingGeneration> ReadEmbeddingGenerationAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            null,
            async session =>
                (await PostgresIndex.FindAsync(session, collection).ConfigureAwait(false))?.Embeddings
                ?? new EmbeddingGeneration(null, false),
            cancellationToken
        );

    public ValueTask<IReadOnlyList<UnembeddedChunk>> FindUnembeddedAsync(
        CollectionKey collection,
        string embeddingModel,
        string after,
        int count,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<UnembeddedChunk>>(
            null,
            async session =>
            {
                var found = new List<UnembeddedChunk>();
                var reader = await session
                    .QueryAsync(
                        """
                        select distinct on (c.content_hash) c.content_hash, c.headings, c.repeated_header, c.text, c.document_id
                        from slipway.chunks c
                        join slipway.documents d on d.id = c.document_id and d.tenant = $1 and d.collection = $2
                        where c.content_hash > $4 and c.content_hash <> $5
                          and not exists (
                              select from slipway.embeddings e where e.content_hash = c.content_hash and e.model = $3)
                        order by c.content_hash, c.document_id
                        limit $6
                        """,
                        collection.Tenant,
                        collection.Collection,
                        embeddingModel,
                        after,
                        ChunkIdentity.Blank,
                        count
                    )
                    .ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        found.Add(
                            new UnembeddedChunk(
                                reader.GetString(0),
                                ChunkIdentity.Input(
                                    reader.NullableString(1) is { } headings ? StoredValue.List(headings) : [],
                                    reader.NullableString(2),
                                    reader.GetString(3)
                                ),
                                reader.GetString(4)
                            )
                        );
                    }
                }

                return found;
            },
            cancellationToken
        );

    public ValueTask UseEmbeddingsAsync(
        CollectionKey collection,
        EmbeddingGeneration generation,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(generation);
        return database.WriteAsync(
            null,
            session =>
            {
                session.Queue(
                    """
                    update slipway.index_generations set embedding_model = $3, embedding_gaps = $4
                    where tenant = $1 and collection = $2 and state = 'live'
                    """,
                    collection.Tenant,
                    collection.Collection,
                    generation.Model,
                    generation.MayHaveGaps
                );
                return Task.CompletedTask;
            },
            cancellationToken
        );
    }
}
