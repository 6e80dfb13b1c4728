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
}
