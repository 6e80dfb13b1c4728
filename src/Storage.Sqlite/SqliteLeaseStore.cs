using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Leases in SQLite, by <c>slipway_now()</c>. A row stays after its release: it keeps the token from falling.</summary>
internal sealed class SqliteLeaseStore(SqliteDatabase database) : ILeaseStore
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
        return WriteAsync(
            """
            insert into leases (name, owner, fencing_token, expires_at) values ($1, $2, 1, slipway_now() + $3)
            on conflict (name) do update
                set owner = excluded.owner, fencing_token = leases.fencing_token + 1, expires_at = excluded.expires_at
                where leases.owner is null or leases.owner = excluded.owner or leases.expires_at <= slipway_now()
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
            update leases set expires_at = slipway_now() + $4
            where name = $1 and owner = $2 and fencing_token = $3 and expires_at > slipway_now()
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
            session =>
                session.Scalar(
                    """
                    update leases set owner = null, expires_at = null
                    where name = $1 and owner = $2 and fencing_token = $3 and expires_at > slipway_now()
                    returning 1
                    """,
                    lease.Name,
                    lease.Owner,
                    lease.FencingToken
                )
                    is not null,
            cancellationToken
        );
    }

    public ValueTask<IReadOnlyList<Lease>> ListAsync(CancellationToken cancellationToken = default) =>
        database.ReadAsync<IReadOnlyList<Lease>>(
            session =>
            {
                using var reader = session.Query(
                    """
                    select name, owner, fencing_token, expires_at from leases
                    where owner is not null and expires_at > slipway_now() order by name
                    """
                );
                List<Lease> leases = [];
                while (reader.Read())
                {
                    leases.Add(Read(reader));
                }

                return leases;
            },
            cancellationToken
        );

    private ValueTask<Lease?> WriteAsync(string sql, object[] arguments, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                using var reader = session.Query(sql, arguments);
                return reader.Read() ? Read(reader) : null;
            },
            cancellationToken
        );

    private static Lease Read(Microsoft.Data.Sqlite.SqliteDataReader reader) =>
        new(
            reader.GetString(0),
            reader.GetString(1),
            reader.GetInt64(2),
            DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(3))
        );
}
