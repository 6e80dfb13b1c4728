using System.Runtime.InteropServices;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteDocumentStore
{
    public ValueTask<IReadOnlySet<string>> FindEmbeddedAsync(
        string embeddingModel,
        IReadOnlyCollection<string> contentHashes,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlySet<string>>(
            session =>
            {
                var found = new HashSet<string>(StringComparer.Ordinal);
                using var reader = session.Query(
                    """
                    select content_hash from embeddings where model = $1 and content_hash in (select value from json_each($2))
                    """,
                    embeddingModel,
                    StoredValue.Json([.. contentHashes])
                );
                while (reader.Read())
                {
                    found.Add(reader.GetString(0));
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
            session =>
            {
                foreach (var (hash, vector) in embeddings)
                {
                    session.Execute(
                        """
                        insert into embeddings (content_hash, model, dimensions, vector, created_at) values ($1, $2, $3, $4, $5)
                        on conflict (content_hash, model) do nothing
                        """,
                        hash,
                        embeddingModel,
                        vector.Length,
                        MemoryMarshal.AsBytes(vector.Span).ToArray(),
                        database.Now
                    );
                }
            },
            cancellationToken
        );

    public ValueTask<EmbeddingGeneration> ReadEmbeddingGenerationAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session => SqliteIndex.Find(session, collection)?.Embeddings ?? new EmbeddingGeneration(null, false),
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
            session =>
            {
                var found = new List<UnembeddedChunk>();
                // In the order of the index: a page ends where it is full. The other columns are those of the least document id.
                using var reader = session.Query(
                    """
                    select c.content_hash, c.headings, c.repeated_header, c.text, min(c.document_id)
                    from chunks c indexed by chunks_by_content_hash
                    cross join documents d on d.id = c.document_id and d.tenant = $1 and d.collection = $2
                    where c.content_hash > $4 and c.content_hash <> $5
                      and not exists (select 1 from embeddings e where e.content_hash = c.content_hash and e.model = $3)
                    group by c.content_hash
                    order by c.content_hash
                    limit $6
                    """,
                    collection.Tenant,
                    collection.Collection,
                    embeddingModel,
                    after,
                    ChunkIdentity.Blank,
                    count
                );
                while (reader.Read())
                {
                    found.Add(
                        new UnembeddedChunk(
                            reader.GetString(0),
                            ChunkIdentity.Input(
                                reader.IsDBNull(1) ? [] : StoredValue.List(reader.GetString(1)),
                                reader.IsDBNull(2) ? null : reader.GetString(2),
                                reader.GetString(3)
                            ),
                            reader.GetString(4)
                        )
                    );
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
            session =>
            {
                // With a revision that no document has changed at: whoever keeps vectors in memory reads them again.
                session.Execute(
                    """
                    update index_generations set embedding_model = $3, embedding_gaps = $4, revision = revision + 1
                    where tenant = $1 and collection = $2 and state = 'live'
                    """,
                    collection.Tenant,
                    collection.Collection,
                    generation.Model,
                    generation.MayHaveGaps ? 1 : 0
                );
            },
            cancellationToken
        );
    }
}
