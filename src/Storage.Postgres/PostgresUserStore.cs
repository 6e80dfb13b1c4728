using Slipway.Identity;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Users in PostgreSQL.</summary>
internal sealed class PostgresUserStore(PostgresDatabase database) : IUserStore
{
    public ValueTask<UserProfile?> FindAsync(Principal principal, CancellationToken cancellationToken = default) =>
        database.ReadAsync(principal, session => FindAsync(session, principal), cancellationToken);

    public ValueTask<UserProfile> SaveAsync(
        Principal principal,
        string? displayName,
        string? email = null,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            principal,
            async session =>
            {
                session.Queue(
                    """
                    insert into slipway.users as known (tenant, id, email, display_name, created_at, updated_at)
                    values ($1, $2, $3, $4, $5, $5)
                    on conflict (tenant, id) do update
                        set email = coalesce(excluded.email, known.email), display_name = excluded.display_name,
                            updated_at = excluded.updated_at
                    """,
                    principal.Tenant,
                    principal.Id,
                    email is null ? null : StorableText.Of(email),
                    displayName is null ? null : StorableText.Of(displayName),
                    database.Now
                );
                return (await FindAsync(session, principal).ConfigureAwait(false))!;
            },
            cancellationToken
        );

    private static async Task<UserProfile?> FindAsync(PostgresSession session, Principal principal)
    {
        var rows = await session
            .QueryAsync(
                """
                select display_name, email, is_admin, created_at, updated_at from slipway.users
                where tenant = $1 and id = $2
                """,
                principal.Tenant,
                principal.Id
            )
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            return await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false)
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
}
