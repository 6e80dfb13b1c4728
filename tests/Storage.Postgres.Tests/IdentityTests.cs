using Npgsql;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests;

/// <summary>Row-level security alone, with statements that no store would send. Every test rolls back what it does.</summary>
public sealed class IdentityTests(SharedPostgresTestDatabase shared)
    : IClassFixture<SharedPostgresTestDatabase>,
        IAsyncLifetime
{
    private const string App = "slipway_app";
    private const string Background = "slipway_background";
    private const string Owner = "slipway_owner";

    private static readonly Principal Ada = new("default", "ada");
    private static readonly Principal Eve = new("default", "eve");
    private static readonly Principal Admin = new("default", "admin");
    private static readonly Principal AdaElsewhere = new("elsewhere", "ada");
    private static readonly Principal AdminElsewhere = new("elsewhere", "admin");

    private PostgresTestDatabase _database = null!;

    public static TheoryData<string> Tables =>
        [
            "users",
            "api_keys",
            "conversations",
            "messages",
            "turns",
            "turn_steps",
            "turn_events",
            "memories",
            "usage",
            "attachments",
        ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await shared.GetAsync(SeedAsync);

    public ValueTask DisposeAsync() => default;

    private static async Task SeedAsync(PostgresTestDatabase database)
    {
        foreach (var principal in (Principal[])[Ada, Eve, Admin, AdaElsewhere, AdminElsewhere])
        {
            await database.ExecuteAsync(Rows(principal));
        }

        await database.ExecuteAsync("update slipway.users set is_admin = true where id = 'admin'");
    }

    [Theory]
    [MemberData(nameof(Tables))]
    [Trait("Parity", "S110")]
    [Trait("Parity", "S149")]
    public async Task Everybody_sees_their_own(string table)
    {
        var count = $"select count(*) from slipway.{table}";

        Assert.Equal(0L, await AsAsync(App, null, count));
        Assert.Equal(1L, await AsAsync(App, Ada, count));
        Assert.Equal(1L, await AsAsync(App, Eve, count));
        Assert.Equal(1L, await AsAsync(App, AdaElsewhere, count));
        Assert.Equal(3L, await AsAsync(App, Admin, count));
        Assert.Equal(2L, await AsAsync(App, AdminElsewhere, count));
        Assert.Equal(5L, await AsAsync(Background, null, count));
        Assert.Equal(5L, await AsAsync(Owner, null, count));
    }

    [Theory]
    [MemberData(nameof(Tables))]
    [Trait("Parity", "S110")]
    public async Task Nobody_changes_what_is_anothers(string table)
    {
        // Whatever is updated is itself: the row's own column, set to what it is.
        var update =
            $"with changed as (update slipway.{table} set tenant = tenant returning 1) select count(*) from changed";
        if (table is "turn_steps" or "turn_events")
        {
            update = update.Replace("tenant = tenant", "data = data", StringComparison.Ordinal);
        }

        Assert.Equal(0L, await AsAsync(App, null, update));
        Assert.Equal(1L, await AsAsync(App, Ada, update));
        Assert.Equal(table == "users" ? 3L : 1L, await AsAsync(App, Admin, update));
        Assert.Equal(5L, await AsAsync(Background, null, update));
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task Nobody_adds_rows_in_anothers_name(string table)
    {
        // The rows before it are the background's, in the same transaction.
        var newcomer = new Principal("default", "new");
        var prepare = $"set local role {Background};\n" + Rows(newcomer, before: table) + $"set local role {App};\n";
        var insert = Rows(newcomer, table);

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(null, null, prepare + insert));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(null, Ada, prepare + insert));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(null, Admin, prepare + insert));
        Assert.Null(await RefusedAsync(null, newcomer, prepare + insert));
        Assert.Null(await RefusedAsync(Background, null, Rows(newcomer)));
    }

    [Fact]
    [Trait("Parity", "S110")]
    public async Task Only_an_admin_makes_an_admin()
    {
        const string Promote = "update slipway.users set is_admin = true where id = 'ada' and tenant = 'default'";

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusedAsync(App, Ada, Promote));
        Assert.Null(await RefusedAsync(App, Admin, Promote));
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            await RefusedAsync(App, Admin, "delete from slipway.users")
        );
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            await RefusedAsync(
                App,
                new("default", "mallory"),
                "insert into slipway.users values ('default', 'mallory', null, null, true, now(), now())"
            )
        );
    }

    [Fact]
    [Trait("Parity", "S111")]
    [Trait("Parity", "S149")]
    public async Task A_role_that_was_given_nothing_reaches_nothing()
    {
        await using var anonymous = await TestLogin.CreateAsync(_database, null);
        var tables = await _database.QueryAsync("select tablename::text from pg_tables where schemaname = 'slipway'");

        Assert.True(tables.Count > 20);
        foreach (var table in tables)
        {
            Assert.Equal(
                PostgresErrorCodes.InsufficientPrivilege,
                await RefusedAsync(anonymous.Name, Ada, $"select 1 from slipway.{table}")
            );
        }

        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            await RefusedAsync(anonymous.Name, Ada, "select slipway.is_admin()")
        );
    }

    [Fact]
    [Trait("Parity", "S115")]
    public async Task Functions_are_closed_to_everybody_else_and_definers_pin_their_path()
    {
        Assert.Empty(
            await _database.QueryAsync(
                """
                select p.oid::regprocedure::text from pg_proc p
                where pronamespace = 'slipway'::regnamespace
                    and (has_function_privilege('public', p.oid, 'execute')
                        or prosecdef and not coalesce(array_to_string(proconfig, ',') like 'search_path=%', false))
                """
            )
        );
        // What a caller puts in front of the path does not make an admin.
        Assert.Equal(
            false,
            await AsAsync(
                App,
                Ada,
                """
                create temp table users (tenant text, id text, is_admin boolean);
                insert into users values ('default', 'ada', true);
                set local search_path = pg_temp;
                select slipway.is_admin()
                """
            )
        );
    }

    [Fact]
    public async Task Whatever_names_a_user_or_a_conversation_is_under_forced_row_security() =>
        Assert.Empty(
            await _database.QueryAsync(
                """
                select distinct table_name::text from information_schema.columns
                join pg_class on oid = format('slipway.%I', table_name)::regclass
                where table_schema = 'slipway' and column_name in ('user_id', 'conversation_id', 'turn_id', 'email')
                    and not (relrowsecurity and relforcerowsecurity)
                """
            )
        );

    [Fact]
    [Trait("Parity", "S117")]
    public async Task A_user_who_is_deleted_takes_everything_along()
    {
        var counts = string.Join(", ", Tables.Select(row => $"(select count(*) from slipway.{row.Data})"));

        var left = await AsAsync(
            Background,
            null,
            $"""
            delete from slipway.users where tenant = 'default' and id = 'ada';
            select array[{counts}, (select count(*) from slipway.usage where user_id = '' and turn_id is null)]
            """
        );

        Assert.Equal((long[])[4, 4, 4, 4, 4, 4, 4, 4, 5, 4, 1], left); // usage stays, as nobody's
    }

    [Fact]
    [Trait("Parity", "S118")]
    public async Task A_change_by_hand_moves_updated_at() =>
        Assert.Equal(
            "t f",
            await AsAsync(
                Background,
                null,
                """
                update slipway.memories set updated_at = '2020-01-01';
                update slipway.memories set text = 'by hand' where user_id = 'ada';
                update slipway.memories set text = 'by a clock', updated_at = '2021-01-01' where user_id = 'eve';
                select string_agg(distinct left((updated_at > '2026-01-01')::text, 1), ' ' order by left((updated_at > '2026-01-01')::text, 1) desc)
                from slipway.memories where user_id in ('ada', 'eve')
                """
            )
        );

    [Fact]
    public async Task A_name_that_looks_like_JSON_is_a_name()
    {
        const string Count = "select count(*) from slipway.conversations";

        Assert.Equal(0L, await AsAsync(App, new("default", """x","user":"ada"""), Count));
        Assert.Equal(0L, await AsAsync(App, new("default", """ada"}"""), Count));
        Assert.Equal(1L, await AsAsync(App, Ada, Count));
    }

    [Theory]
    [InlineData(App)]
    [InlineData(Owner)]
    [InlineData(null)] // the superuser that the tests log in as: above row-level security, until the store steps down
    [Trait("Parity", "S149")]
    public async Task One_pooled_connection_never_carries_a_principal_on(string? role)
    {
        await using var login = role is null ? null : await TestLogin.CreateAsync(_database, role);
        await using var database = new PostgresDatabase(
            new()
            {
                // Without the driver's own reset, as behind a pooler.
                ConnectionString =
                    (login?.ConnectionString ?? _database.ConnectionString)
                    + ";Maximum Pool Size=1;No Reset On Close=true",
            },
            TimeProvider.System
        );

        Assert.Equal(["c-ada"], await ConversationsAsync(Ada));
        Assert.Equal(["c-eve"], await ConversationsAsync(Eve));
        Assert.Equal(("", role is App ? 0 : 5), await NobodyAsync());
        await Assert.ThrowsAsync<SlipwayException>(async () =>
            await database.WriteAsync(Ada, session => session.ExecuteAsync("select 1/0"), Cancellation)
        );
        Assert.Equal(("", role is App ? 0 : 5), await NobodyAsync());
        await database.WriteAsync(Ada, session => session.ExecuteAsync("select 1"), Cancellation);
        Assert.Equal(("", role is App ? 0 : 5), await NobodyAsync());
        Assert.Equal(["c-ada-elsewhere"], await ConversationsAsync(AdaElsewhere));

        ValueTask<List<string>> ConversationsAsync(Principal principal) =>
            database.ReadAsync(
                principal,
                async session =>
                {
                    List<string> ids = [];
                    await using var reader = await session.QueryAsync("select id from slipway.conversations");
                    while (await reader.ReadAsync(Cancellation))
                    {
                        ids.Add(reader.GetString(0));
                    }

                    return ids;
                },
                Cancellation
            );

        ValueTask<(string, int)> NobodyAsync() =>
            database.ReadAsync(
                null,
                async session =>
                    (
                        (string)
                            (
                                await session.ScalarAsync(
                                    "select coalesce(current_setting('slipway.principal', true), '')"
                                )
                            )!,
                        (int)(await session.ScalarAsync("select count(*)::int from slipway.conversations"))!
                    ),
                Cancellation
            );
    }

    /// <summary>The documented way: roles first, a login of slipway_owner migrates, and what it makes belongs to the role.</summary>
    [Fact]
    public async Task A_login_of_the_owner_migrates_and_works()
    {
        await using var empty = await PostgresTestDatabase.CreateEmptyAsync();
        await empty.ExecuteAsync(await File.ReadAllTextAsync(PostgresTestDatabase.RolesScript, Cancellation));
        await using var login = await TestLogin.CreateAsync(empty, Owner);

        await using (var database = new PostgresDatabase(login.Options, TimeProvider.System))
        {
            await database.OpenAsync(Cancellation);
        }

        Assert.Equal(
            [Owner],
            await empty.QueryAsync("select distinct tableowner::text from pg_tables where schemaname = 'slipway'")
        );
        await empty.ExecuteAsync(Rows(Ada));
        await empty.ExecuteAsync(Rows(Admin));
        await empty.ExecuteAsync("update slipway.users set is_admin = true where id = 'admin'");
        Assert.Equal(2L, await AsAsync(App, Admin, "select count(*) from slipway.users", empty));
        Assert.Equal(1L, await AsAsync(App, Ada, "select count(*) from slipway.users", empty));
        Assert.Equal(2L, await AsAsync(Owner, null, "select count(*) from slipway.users", empty));
    }

    private async Task<object?> AsAsync(
        string? role,
        Principal? principal,
        string sql,
        PostgresTestDatabase? database = null
    )
    {
        await using var connection = new NpgsqlConnection((database ?? _database).ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var command = new NpgsqlCommand($"set local role {role ?? "none"}", connection))
        {
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        await using (var command = new NpgsqlCommand("select set_config('slipway.principal', $1, true)", connection))
        {
            command.Parameters.Add(new() { Value = PostgresCaller.Of(principal, null).Setting });
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        await using var asked = new NpgsqlCommand(sql, connection);
        return await asked.ExecuteScalarAsync(Cancellation);
    }

    /// <summary>The code of the error; null when it was done (and rolled back).</summary>
    private async Task<string?> RefusedAsync(string? role, Principal? principal, string sql)
    {
        try
        {
            await AsAsync(role, principal, sql);
            return null;
        }
        catch (PostgresException exception)
        {
            return exception.SqlState;
        }
    }

    /// <summary>Statements that add a row to each table, to one, or to those before one.</summary>
    private static string Rows(Principal principal, string? only = null, string? before = null)
    {
        var (tenant, user) = (principal.Tenant, principal.Id);
        var key = tenant == "default" ? user : $"{user}-{tenant}";
        (string Table, string Values)[] rows =
        [
            ("users", $"('{tenant}', '{user}', null, null, false, now(), now())"),
            ("api_keys", $"('k-{key}', '{tenant}', '{user}', 'n', 'h-{key}', '[]', now())"),
            ("conversations", $"('{tenant}', 'c-{key}', '{user}', null, '{{}}', now(), now())"),
            ("messages", $"(default, '{tenant}', 'c-{key}', 'm', null, 'user', 1, 'x', now())"),
            (
                "turns",
                $"('t-{key}', '{tenant}', 'c-{key}', '{user}', 'Running', null, null, null, 0, 0, null, 0, null, now())"
            ),
            ("turn_steps", $"('t-{key}', 1, 'tool', null, null, 'Running', null, now())"),
            ("turn_events", $"('t-{key}', 1, 'x', now())"),
            ("memories", $"('m-{key}', '{tenant}', '{user}', 'x', 'h', null, null, now(), now())"),
            ("usage", $"(default, '{tenant}', '{user}', 't-{key}', 'chat', null, 1, 1, now())"),
            ("attachments", $"('{tenant}', 'c-{key}', '{user}', 'h', 'image/png', null, 1, now())"),
        ];
        return string.Concat(
            rows.TakeWhile(row => row.Table != before)
                .Where(row => only is null || row.Table == only)
                .Select(row => $"insert into slipway.{row.Table} values {row.Values};\n")
        );
    }
}
