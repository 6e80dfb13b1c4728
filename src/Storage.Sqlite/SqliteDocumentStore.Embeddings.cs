using System.Runtime.InteropServices;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

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
}
