using System.Security.Cryptography;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Bytes by content in the same file. A blob is held in memory while it is written.</summary>
internal sealed class SqliteBlobStore(SqliteDatabase database) : IBlobStore
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
            .WriteMuchAsync(
                session =>
                    session.Execute(
                        """
                        insert into blobs (tenant, hash, length, content, created_at) values ($1, $2, $3, $4, $5)
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

    public ValueTask<Stream?> OpenAsync(string tenant, string hash, CancellationToken cancellationToken = default) =>
        database.ReadAsync<Stream?>(
            session =>
                session.Scalar("select content from blobs where tenant = $1 and hash = $2", tenant, hash)
                    is byte[] bytes
                    ? new MemoryStream(bytes, writable: false)
                    : null,
            cancellationToken
        );
}
