using Slipway.Identity;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Users in the SQLite file.</summary>
internal sealed class SqliteUserStore(SqliteDatabase database) : IUserStore
{
    public ValueTask<UserProfile?> FindAsync(Principal principal, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => Find(session, principal), cancellationToken);

    public ValueTask<UserProfile> SaveAsync(
        Principal principal,
        string? displayName,
        string? email = null,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
            {
                session.Execute(
                    """
                    insert into users (tenant, id, email, display_name, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
                    on conflict (tenant, id) do update
                        set email = coalesce(excluded.email, email), display_name = excluded.display_name,
                            updated_at = excluded.updated_at
                    """,
                    principal.Tenant,
                    principal.Id,
                    email is null ? null : StorableText.Of(email),
                    displayName is null ? null : StorableText.Of(displayName),
                    database.Now
                );
                return Find(session, principal)!;
            },
            cancellationToken
        );

    private static UserProfile? Find(SqliteSession session, Principal principal)
    {
        using var rows = session.Query(
            "select display_name, email, is_admin, created_at, updated_at from users where tenant = $1 and id = $2",
            principal.Tenant,
            principal.Id
        );
        return rows.Read()
            ? new UserProfile
            {
                DisplayName = rows.NullableString(0),
                Email = rows.NullableString(1),
                IsAdmin = rows.GetBoolean(2),
                CreatedAt = rows.Time(3),
                UpdatedAt = rows.Time(4),
            }
            : null;
    }
}
