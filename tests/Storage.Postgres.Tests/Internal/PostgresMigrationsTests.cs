using System.Text.RegularExpressions;
using Npgsql;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Internal;

public sealed partial class PostgresMigrationsTests : IAsyncLifetime
{
    private PostgresTestDatabase _empty = null!;

    public static TheoryData<int> Numbers => [.. PostgresMigrations.Embedded().Select(migration => migration.Number)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _empty = await PostgresTestDatabase.CreateEmptyAsync();

    public async ValueTask DisposeAsync()
    {
        if (_empty is not null)
        {
            await _empty.DisposeAsync();
        }
    }

    [Fact]
    public async Task Ten_instances_that_start_at_once_make_one_schema()
    {
        await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            await using var database = new PostgresDatabase(_empty.Options, TimeProvider.System);
                            await database.OpenAsync(Cancellation);
                        },
                        Cancellation
                    )
                )
        );

        Assert.Equal(
            PostgresMigrations.Embedded().Select(migration => (object?)$"{migration.Number} {migration.Name} 64"),
            await _empty.QueryAsync(
                "select number || ' ' || name || ' ' || length(hash) from slipway.schema_migrations order by number"
            )
        );
    }

    [Fact]
    public async Task A_dry_run_gives_the_statements_and_changes_nothing()
    {
        var pending = await PostgresSchema.FindPendingAsync(_empty.Options, Cancellation);

        Assert.Contains("create table if not exists slipway.documents", pending[0].Sql, StringComparison.Ordinal);
        Assert.Null(await _empty.ExecuteAsync("select to_regnamespace('slipway')::text"));
        await PostgresSchema.MigrateAsync(_empty.Options, Cancellation);
        Assert.Empty(await PostgresSchema.FindPendingAsync(_empty.Options, Cancellation));
    }

    [Fact]
    [Trait("Parity", "S116")]
    public async Task Files_run_by_hand_count_and_may_run_again_over_data()
    {
        foreach (var migration in PostgresMigrations.Embedded())
        {
            await _empty.ExecuteAsync(migration.Sql);
        }

        await _empty.ExecuteAsync(
            """
            insert into slipway.documents (id, tenant, collection, source, external_id, name, title, state, created_at, updated_at)
            values ('d', 't', 'c', 's', 'e', 'n', 'n', 'pending', now(), now());
            insert into slipway.chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash)
            values ('d', 0, 1, 0, 1, 'x', 'h');
            """
        );
        foreach (var migration in PostgresMigrations.Embedded())
        {
            await _empty.ExecuteAsync(migration.Sql);
        }

        var options = _empty.Options;
        options.Migrate = false;
        await using var database = new PostgresDatabase(options, TimeProvider.System);
        await database.OpenAsync(Cancellation);
        Assert.Equal("x", await _empty.ExecuteAsync("select text from slipway.chunks"));
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    [Trait("Parity", "S116")]
    public void A_file_drops_nothing_and_notes_itself(int number)
    {
        var migration = PostgresMigrations.Embedded().Single(migration => migration.Number == number);

        Assert.DoesNotMatch(Destructive(), FunctionBody().Replace(migration.Sql, ""));
        Assert.Contains($"values ({number}, '{migration.Name}', ", migration.Sql, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_without_rights_on_the_schema_is_told_who_migrates()
    {
        await using var login = await TestLogin.CreateAsync(_empty, "slipway_app");
        await using var database = new PostgresDatabase(login.Options, TimeProvider.System);

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Cancellation));

        Assert.Equal(ErrorClass.Authentication, error.Class);
        Assert.Contains("roles.sql", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrating_can_be_left_to_somebody_else()
    {
        var options = _empty.Options;
        options.Migrate = false;
        await using var database = new PostgresDatabase(options, TimeProvider.System);

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Cancellation));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("sql/README.md", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schema_that_has_outgrown_this_release_is_refused()
    {
        await PostgresSchema.MigrateAsync(_empty.Options, Cancellation);
        await _empty.ExecuteAsync(
            "insert into slipway.schema_migrations values (9999, 'contracted', null, 9998, now())"
        );

        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            PostgresSchema.MigrateAsync(_empty.Options, Cancellation)
        );

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("9999", error.Message, StringComparison.Ordinal);
        Assert.Contains("newer release", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_schema_that_a_newer_release_only_expanded_still_serves()
    {
        await PostgresSchema.MigrateAsync(_empty.Options, Cancellation);
        await _empty.ExecuteAsync("insert into slipway.schema_migrations values (9999, 'expanded', null, 1, now())");

        await using var database = new PostgresDatabase(_empty.Options, TimeProvider.System);
        await database.OpenAsync(Cancellation);
    }

    /// <summary>Twins: whatever stands in a table of the embedded store has its place here.</summary>
    [Fact]
    public async Task Tables_and_columns_are_those_of_SQLite()
    {
        await PostgresSchema.MigrateAsync(_empty.Options, Cancellation);
        var here = await _empty.QueryAsync(
            "select table_name || '.' || column_name from information_schema.columns where table_schema = 'slipway'"
        );
        var embedded = Directory
            .GetFiles(Path.Combine(AppContext.BaseDirectory, "sqlite"), "*.sql")
            .SelectMany(file => Table().Matches(File.ReadAllText(file)))
            .SelectMany(table =>
                Column()
                    .Matches(table.Groups["columns"].Value)
                    .Select(column => $"{table.Groups["name"].Value}.{column.Groups["name"].Value}")
            )
            .ToList();

        Assert.True(embedded.Count > 150, $"{embedded.Count} columns were found.");
        Assert.Empty(embedded.Except([.. here.OfType<string>(), "fencing_tokens.id", "fencing_tokens.last"])); // here a sequence
    }

    [Fact]
    public async Task The_clock_of_leases_can_be_shifted_by_the_owner_alone()
    {
        await PostgresSchema.MigrateAsync(_empty.Options, Cancellation);
        await _empty.ExecuteAsync(await File.ReadAllTextAsync(PostgresTestDatabase.RolesScript, Cancellation));
        const string Shift =
            "insert into slipway.clock (shift) values ('1 hour') on conflict (id) do update set shift = excluded.shift";
        const string Ahead = "select round(extract(epoch from slipway.now() - now()) / 60)::int";

        Assert.Equal(0, await _empty.ExecuteAsync(Ahead));
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            _empty.ExecuteAsync($"set role slipway_app; {Shift}")
        );
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        await _empty.ExecuteAsync(Shift);
        Assert.Equal(60, await _empty.ExecuteAsync($"set role slipway_app; {Ahead}"));
    }

    [GeneratedRegex(@"\b(?:drop|truncate|delete\s+from|update\s+slipway|rename)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Destructive();

    // A trigger that deletes does so when it is called, not when it is made.
    [GeneratedRegex(@"create or replace function.*?\$\$.*?\$\$", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex FunctionBody();

    [GeneratedRegex(@"create table if not exists (?<name>\w+) \((?<columns>.*?)\n\)", RegexOptions.Singleline)]
    private static partial Regex Table();

    [GeneratedRegex(@"^    (?!primary |unique |foreign |check )(?<name>\w+) ", RegexOptions.Multiline)]
    private static partial Regex Column();
}
