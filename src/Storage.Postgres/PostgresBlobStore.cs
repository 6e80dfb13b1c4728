using System.Security.Cryptography;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Bytes by content in the same database. A blob is held in memory while it is written and read.</summary>
internal sealed class PostgresBlobStore(PostgresDatabase database) : IBlobStore
{
    public async ValueTask<(string Hash, long Length)> PutAsync(
        string tenant,
        Stream content,
        CancellationToken cancellationToken = default
    )
    {
        using var buffer = new MemoryStream();
        await content.CopyToAsync(buffer, cancellationToken).ConfigureAwait(false);
        var bytes = buffer.ToArray();
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        await database
            .WriteAsync(
                null,
                session =>
                    session.ExecuteAsync(
                        """
                        insert into slipway.blobs (tenant, hash, length, content, created_at) values ($1, $2, $3, $4, $5)
                        on conflict (tenant, hash) do nothing
                        """,
                        tenant,
                        hash,
                        bytes.LongLength,
                        bytes,
                        database.Now
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return (hash, bytes.LongLength);
    }

    public async ValueTask<Stream?> OpenAsync(
        string tenant,
        string hash,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(hash)
            ? null
            : await database
                .ReadAsync<Stream?>(
                    null,
                    async session =>
                        await session
                            .ScalarAsync(
                                "select content from slipway.blobs where tenant = $1 and hash = $2",
                                tenant,
                                hash
                            )
                            .ConfigureAwait(false)
                            is byte[] bytes
                            ? new MemoryStream(bytes, writable: false)
                            : null,
                    cancellationToken
                )
                .ConfigureAwait(false);
}
