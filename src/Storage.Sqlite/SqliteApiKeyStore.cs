using Microsoft.Data.Sqlite;
using Slipway.Identity;
using Slipway.Identity.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>API keys in the SQLite file.</summary>
internal sealed class SqliteApiKeyStore(SqliteDatabase database) : IApiKeyStore
{
    private const int MaxPageSize = 1_000;
    private const string KeyColumns =
        "id, tenant, user_id, name, scopes, created_at, expires_at, last_used_at, revoked_at";

    public async ValueTask AddAsync(ApiKey key, string hash, CancellationToken cancellationToken = default) =>
        await database.WriteAsync(session => Insert(session, key, hash), cancellationToken).ConfigureAwait(false);

    public ValueTask<ApiKey?> FindAsync(string hash, CancellationToken cancellationToken = default) =>
        database.ReadAsync(
            session =>
            {
                using var rows = session.Query($"select {KeyColumns} from api_keys where hash = $1", hash);
                return rows.Read() ? ReadKey(rows) : null;
            },
            cancellationToken
        );

    public ValueTask<ApiKeyPage> ListAsync(
        string tenant,
        int limit = 100,
        string? after = null,
        CancellationToken cancellationToken = default
    )
    {
        var size = Math.Clamp(limit, 1, MaxPageSize);
        return database.ReadAsync(
            session =>
            {
                List<ApiKey> page = [];
                using var rows = session.Query(
                    $"select {KeyColumns} from api_keys where tenant = $1 and id > $2 order by id limit $3",
                    tenant,
                    after ?? "",
                    size + 1
                );
                while (rows.Read())
                {
                    page.Add(ReadKey(rows));
                }

                return page.Count <= size ? new ApiKeyPage(page, null) : new(page[..size], page[size - 1].Id);
            },
            cancellationToken
        );
    }

    public ValueTask<ApiKey?> RotateAsync(
        string tenant,
        string id,
        string newId,
        string newHash,
        DateTimeOffset until,
        DateTimeOffset? expiresAt = null,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
            {
                ApiKey? old;
                using (
                    var rows = session.Query(
                        $"select {KeyColumns} from api_keys where tenant = $1 and id = $2",
                        tenant,
                        id
                    )
                )
                {
                    old = rows.Read() ? ReadKey(rows) : null;
                }

                var now = DateTimeOffset.FromUnixTimeMilliseconds(database.Now);
                if (old?.IsActive(now) != true)
                {
                    return null;
                }

                var successor = old.Successor(newId, now, expiresAt);
                Insert(session, successor, newHash);
                session.Execute(
                    "update api_keys set expires_at = min(coalesce(expires_at, $3), $3) where tenant = $1 and id = $2",
                    tenant,
                    id,
                    until.ToUnixTimeMilliseconds()
                );
                return successor;
            },
            cancellationToken
        );

    public ValueTask<bool> RevokeAsync(string tenant, string id, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "update api_keys set revoked_at = coalesce(revoked_at, $3) where tenant = $1 and id = $2",
                    tenant,
                    id,
                    database.Now
                ) > 0,
            cancellationToken
        );

    public async ValueTask MarkUsedAsync(
        ApiKey key,
        TimeSpan atMostEvery,
        CancellationToken cancellationToken = default
    ) =>
        await database
            .WriteAsync(
                session =>
                    session.Execute(
                        """
                        update api_keys set last_used_at = $3
                        where tenant = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)
                        """,
                        key.Tenant,
                        key.Id,
                        database.Now,
                        database.Now - (long)atMostEvery.TotalMilliseconds
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);

    private static void Insert(SqliteSession session, ApiKey key, string hash) =>
        session.Execute(
            """
            insert into api_keys (id, tenant, user_id, name, hash, scopes, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            key.Id,
            key.Tenant,
            key.UserId,
            StorableText.Of(key.Name),
            hash,
            StoredScopes.Write(key.Scopes),
            key.CreatedAt.ToUnixTimeMilliseconds(),
            key.ExpiresAt?.ToUnixTimeMilliseconds()
        );

    private static ApiKey ReadKey(SqliteDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            Tenant = row.GetString(1),
            UserId = row.GetString(2),
            Name = row.GetString(3),
            Scopes = StoredScopes.Read(row.GetString(4)),
            CreatedAt = row.Time(5),
            ExpiresAt = row.NullableTime(6),
            LastUsedAt = row.NullableTime(7),
            RevokedAt = row.NullableTime(8),
        };
}
