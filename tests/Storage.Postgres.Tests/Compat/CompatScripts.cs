using Npgsql;

namespace Slipway.Storage.Postgres.Tests.Compat;

/// <summary>Runs the optional scripts of <c>sql/postgres/compat</c> as a DBA does: settings, then the files in order, in one transaction.</summary>
internal static class CompatScripts
{
    // As a hosted PostgreSQL has them; roles are the server's and stay.
    private const string BrowserRoles = """
        do $$
        declare
            role text;
        begin
            foreach role in array array['anon', 'authenticated', 'service_role'] loop
                if to_regrole(role) is null then
                    begin
                        execute format('create role %I nologin', role);
                    exception when duplicate_object or unique_violation then
                        null; -- another test's
                    end;
                end if;
            end loop;
        end
        $$;
        """;

    public static async Task RunAsync(PostgresTestDatabase database, params string[] settings)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection, BrowserRoles);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        foreach (var setting in settings)
        {
            await ExecuteAsync(connection, $"set slipway.compat_{setting}");
        }

        foreach (
            var file in Directory
                .GetFiles(Path.Combine(AppContext.BaseDirectory, "compat"))
                .Order(StringComparer.Ordinal)
        )
        {
            await ExecuteAsync(connection, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }

        await transaction.CommitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>One answer, asked as a role with a checked token; rolled back.</summary>
    public static async Task<object?> AskAsync(PostgresTestDatabase database, string role, string? user, string sql)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await ExecuteAsync(connection, $"set local role {role}");
        if (user is not null)
        {
            await ExecuteAsync(
                connection,
                $$"""select set_config('request.jwt.claims', '{"sub":"{{user}}","role":"{{role}}"}', true)"""
            );
        }

        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is var value && value is DBNull
            ? null
            : value;
    }

    /// <summary>The code of the error; null when it was done.</summary>
    public static async Task<string?> RefusalAsync(PostgresTestDatabase database, string role, string? user, string sql)
    {
        try
        {
            await AskAsync(database, role, user, sql);
            return null;
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
