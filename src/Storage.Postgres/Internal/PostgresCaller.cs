using System.Buffers;
using System.Text;
using System.Text.Json;
using Npgsql;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>Who asks in a transaction, as row-level security sees it.</summary>
/// <param name="Setting">
/// The setting <c>slipway.principal</c>: a JSON object with <c>tenant</c> and <c>user</c>; empty for nobody, who owns no row.
/// </param>
/// <param name="Role">
/// The role to step down to, so that row-level security holds where the login itself is above it; null where the login is bound by it
/// already, or no such role was made.
/// </param>
internal readonly record struct PostgresCaller(string Setting, string? Role)
{
    private const string WorkingRole = "slipway_app";

    public static PostgresCaller Of(Principal? principal, string? role) =>
        principal is null ? new("", null) : new(Write(principal), role);

    /// <summary>The role to step down to for a user's work: the login may take it, and would see every user's rows without.</summary>
    public static async Task<string?> FindRoleAsync(PostgresSession session)
    {
        var stepsDown = await session
            .ScalarAsync(
                $"""
                select coalesce(pg_has_role(to_regrole('{WorkingRole}')::oid,
                        case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end), false)
                    and (login.rolsuper or login.rolbypassrls or exists (
                        select from pg_policy, unnest(polroles) role
                        where polrelid = 'slipway.conversations'::regclass and role <> 0 and pg_has_role(role, 'usage')))
                from pg_roles login where rolname = current_user
                """
            )
            .ConfigureAwait(false);
        return stepsDown is true ? WorkingRole : null;
    }

    /// <summary>Whether the login sees everybody's rows. Row-level security leaves rows out without a word.</summary>
    public static async Task<bool> SeesAllRowsAsync(PostgresSession session) =>
        await session
            .ScalarAsync(
                """
                select rolsuper or rolbypassrls or exists (
                    select from pg_policy, unnest(polroles) role
                    where polrelid = 'slipway.conversations'::regclass and role <> 0 and pg_has_role(role, 'usage'))
                from pg_roles where rolname = current_user
                """
            )
            .ConfigureAwait(false)
            is true;

    private static string Write(Principal principal)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("tenant", principal.Tenant);
            json.WriteString("user", principal.Id);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
