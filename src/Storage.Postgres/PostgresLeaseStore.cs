using Npgsql;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Leases in PostgreSQL, by <c>slipway.now()</c>. A row stays after its release: it keeps the token from falling.</summary>
internal sealed class PostgresLeaseStore(PostgresDatabase database) : ILeaseStore
{
    public ValueTask<Lease?> AcquireAsync(
        string name,
        string owner,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentException.ThrowIfNullOrWhiteSpace(owner);
        // Who finds the row locked waits for the other's end and decides on what that left.
        return WriteAsync(
            """
            insert into slipway.leases as held (name, owner, fencing_token, expires_at)
            values ($1, $2, 1, slipway.now() + $3 * interval '1 millisecond')
            on conflict (name) do update
                set owner = excluded.owner, fencing_token = held.fencing_token + 1, expires_at = excluded.expires_at
                where held.owner is null or held.owner = excluded.owner or held.expires_at <= slipway.now()
            returning name, owner, fencing_token, expires_at
            """,
            [name, owner, StoredValue.Milliseconds(duration)],
            cancellationToken
        );
    }

    public ValueTask<Lease?> RenewAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return WriteAsync(
            """
            update slipway.leases set expires_at = slipway.now() + $4 * interval '1 millisecond'
            where name = $1 and owner = $2 and fencing_token = $3 and expires_at > slipway.now()
            returning name, owner, fencing_token, expires_at
            """,
            [lease.Name, lease.Owner, lease.FencingToken, StoredValue.Milliseconds(duration)],
            cancellationToken
        );
    }

    public ValueTask<bool> ReleaseAsync(Lease lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return database.WriteAsync(
            null,
            async session =>
                await session
                    .ExecuteAsync(
                        """
                        update slipway.leases set owner = null, expires_at = null
                        where name = $1 and owner = $2 and fencing_token = $3 and expires_at > slipway.now()
                        """,
                        lease.Name,
                        lease.Owner,
                        lease.FencingToken
                    )
                    .ConfigureAwait(false) > 0,
            cancellationToken
        );
    }

    public ValueTask<IReadOnlyList<Lease>> ListAsync(CancellationToken cancellationToken = default) =>
        database.ReadAsync<IReadOnlyList<Lease>>(
            null,
            async session =>
            {
                var reader = await session
                    .QueryAsync(
                        """
                        select name, owner, fencing_token, expires_at from slipway.leases
                        where owner is not null and expires_at > slipway.now() order by name
                        """
                    )
                    .ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    List<Lease> leases = [];
                    while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        leases.Add(Read(reader));
                    }

                    return leases;
                }
            },
            cancellationToken
        );

    private ValueTask<Lease?> WriteAsync(string sql, object[] arguments, CancellationToken cancellationToken) =>
        database.WriteAsync(
            null,
            async session =>
            {
                var reader = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                        ? Read(reader)
                        : null;
                }
            },
            cancellationToken
        );

    private static Lease Read(NpgsqlDataReader reader) =>
        new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.Time(3));
}
