using Npgsql;
using Slipway.Identity;
using Slipway.Identity.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>
/// API keys in PostgreSQL. Row-level security shows nobody's keys to who is not known yet, so they are found by two functions of the
/// schema's owner; whatever changes one is done in the name of the user that it acts as.
/// </summary>
internal sealed class PostgresApiKeyStore(PostgresDatabase database) : IApiKeyStore
{
    private const int MaxPageSize = 1_000;
    private const string KeyColumns =
        "id, tenant, user_id, name, scopes, created_at, expires_at, last_used_at, revoked_at";

    public ValueTask AddAsync(ApiKey key, string hash, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            Owner(key),
            session =>
            {
                Insert(session, key, hash);
                return session.FlushAsync();
            },
            cancellationToken
        );

    public async ValueTask<ApiKey?> FindAsync(string hash, CancellationToken cancellationToken = default) =>
        !PostgresAccess.CanBeStored(hash)
            ? null
            : await database
                .ReadAsync(
                    null,
                    async session =>
                        (
                            await ReadAsync(session, $"select {KeyColumns} from slipway.find_api_key($1)", hash)
                                .ConfigureAwait(false)
                        ).FirstOrDefault(),
                    cancellationToken
                )
                .ConfigureAwait(false);

    public ValueTask<ApiKeyPage> ListAsync(
        string tenant,
        int limit = 100,
        string? after = null,
        CancellationToken cancellationToken = default
    )
    {
        var size = Math.Clamp(limit, 1, MaxPageSize);
        return database.ReadAsync(
            null,
            async session =>
            {
                var page = await ReadAsync(
                        session,
                        $"select {KeyColumns} from slipway.list_api_keys($1) where id > $2 order by id limit $3",
                        StorableText.Of(tenant),
                        StorableText.Of(after ?? ""),
                        size + 1
                    )
                    .ConfigureAwait(false);
                return page.Count <= size ? new ApiKeyPage(page, null) : new(page[..size], page[size - 1].Id);
            },
            cancellationToken
        );
    }

    public async ValueTask<ApiKey?> RotateAsync(
        string tenant,
        string id,
        string newId,
        string newHash,
        DateTimeOffset until,
        DateTimeOffset? expiresAt = null,
        CancellationToken cancellationToken = default
    ) =>
        await FindOwnerAsync(tenant, id, cancellationToken).ConfigureAwait(false) is not { } owner
            ? null
            : await database
                .WriteAsync(
                    owner,
                    async session =>
                    {
                        var old = (
                            await ReadAsync(
                                    session,
                                    $"""
                                    select {KeyColumns} from slipway.api_keys
                                    where tenant = $1 and user_id = $2 and id = $3 for update
                                    """,
                                    owner.Tenant,
                                    owner.Id,
                                    id
                                )
                                .ConfigureAwait(false)
                        ).FirstOrDefault();
                        if (old?.IsActive(database.Now) != true)
                        {
                            return null;
                        }

                        var successor = old.Successor(newId, database.Now, Columns.Grain(expiresAt));
                        Insert(session, successor, newHash);
                        await session
                            .ExecuteAsync(
                                """
                                update slipway.api_keys set expires_at = least(expires_at, $4)
                                where tenant = $1 and user_id = $2 and id = $3
                                """,
                                owner.Tenant,
                                owner.Id,
                                id,
                                Columns.Grain(until)
                            )
                            .ConfigureAwait(false);
                        return successor;
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

    public async ValueTask<bool> RevokeAsync(string tenant, string id, CancellationToken cancellationToken = default) =>
        await FindOwnerAsync(tenant, id, cancellationToken).ConfigureAwait(false) is { } owner
        && await database
            .WriteAsync(
                owner,
                async session =>
                    await session
                        .ExecuteAsync(
                            """
                            update slipway.api_keys set revoked_at = coalesce(revoked_at, $4)
                            where tenant = $1 and user_id = $2 and id = $3
                            """,
                            owner.Tenant,
                            owner.Id,
                            id,
                            database.Now
                        )
                        .ConfigureAwait(false) > 0,
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask MarkUsedAsync(
        ApiKey key,
        TimeSpan atMostEvery,
        CancellationToken cancellationToken = default
    ) =>
        await database
            .WriteAsync(
                Owner(key),
                session =>
                    session.ExecuteAsync(
                        """
                        update slipway.api_keys set last_used_at = $4
                        where tenant = $1 and user_id = $2 and id = $3 and (last_used_at is null or last_used_at <= $5)
                        """,
                        key.Tenant,
                        key.UserId,
                        key.Id,
                        database.Now,
                        database.Now - atMostEvery
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);

    private async ValueTask<Principal?> FindOwnerAsync(string tenant, string id, CancellationToken cancellationToken) =>
        !PostgresAccess.CanBeStored(tenant) || !PostgresAccess.CanBeStored(id)
            ? null
            : await database
                .ReadAsync(
                    null,
                    async session =>
                        await session
                            .ScalarAsync("select user_id from slipway.list_api_keys($1) where id = $2", tenant, id)
                            .ConfigureAwait(false)
                            is string user
                            ? new Principal(tenant, user)
                            : null,
                    cancellationToken
                )
                .ConfigureAwait(false);

    private static Principal Owner(ApiKey key) => new(key.Tenant, key.UserId);

    private static void Insert(PostgresSession session, ApiKey key, string hash) =>
        session.Queue(
            """
            insert into slipway.api_keys (id, tenant, user_id, name, hash, scopes, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            key.Id,
            key.Tenant,
            key.UserId,
            StorableText.Of(key.Name),
            hash,
            StoredScopes.Write(key.Scopes),
            Columns.Grain(key.CreatedAt),
            Columns.Grain(key.ExpiresAt)
        );

    private static async Task<List<ApiKey>> ReadAsync(PostgresSession session, string sql, params object?[] arguments)
    {
        List<ApiKey> keys = [];
        var rows = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            while (await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                keys.Add(ReadKey(rows));
            }
        }

        return keys;
    }

    private static ApiKey ReadKey(NpgsqlDataReader row) =>
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
