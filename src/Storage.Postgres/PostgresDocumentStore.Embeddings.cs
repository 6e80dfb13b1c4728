using Slipway.Storage.Postgres.Internal;

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

    public async ValueTask SaveEmbeddingsAsync(
        string embeddingModel,
        IReadOnlyList<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        CancellationToken cancellationToken = default
    )
    {
        // In one order for everybody: two writers of the same chunks wait for each other instead of blocking each other.
        var ordered = embeddings.OrderBy(embedding => embedding.ContentHash, StringComparer.Ordinal).ToList();
        await database
            .WriteAsync(
                null,
                session =>
                    session.ExecuteAsync(
                        """
                        insert into slipway.embeddings (content_hash, model, dimensions, vector, created_at)
                        select hash, $1, vector_dims(vector), vector, $4 from unnest($2, $3) as new (hash, vector)
                        on conflict (content_hash, model) do nothing
                        """,
                        embeddingModel,
                        ordered.Select(embedding => embedding.ContentHash).ToArray(),
                        ordered.Select(embedding => new Pgvector.Vector(embedding.Vector)).ToArray(),
                        database.Now
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
    }
}
