using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Releases;

/// <summary>
/// Expand first, contract a release later: what a release before said to the database must still be understood. Each file here holds the
/// statements of one release, named for its last migration; a file whose migration is older than every <c>oldest_program</c> allows may go.
/// </summary>
public sealed class ReleaseTests
{
    private static readonly JsonSerializerOptions Line = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Statements_of_earlier_releases_run_on_this_schema()
    {
        await using var test = await PostgresTestDatabase.CreateAsync();
        await using var connection = new NpgsqlConnection(test.ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        var oldest = (int)(await test.ExecuteAsync("select max(oldest_program) from slipway.schema_migrations"))!;
        var releases = Directory
            .GetFiles(Path.Combine(AppContext.BaseDirectory, "Releases"), "*.jsonl")
            .Where(file => Number(file) >= oldest)
            .ToList();
        Assert.NotEmpty(releases);
        List<string> refused = [];
        foreach (var release in releases)
        {
            var statements = File.ReadLines(release)
                .Select(line => JsonSerializer.Deserialize<Statement>(line)!)
                .ToList();
            Assert.True(statements.Count > 60, $"{release} holds {statements.Count} statements.");
            foreach (var statement in statements)
            {
                var types = statement.Types.Length == 0 ? "" : $"({string.Join(", ", statement.Types)})";
                try
                {
                    // As the server takes it: tables, columns, functions and types must be there.
                    await using var command = new NpgsqlCommand($"prepare one {types} as {statement.Sql}", connection);
                    await command.ExecuteNonQueryAsync(Cancellation);
                    await using var done = new NpgsqlCommand("deallocate one", connection);
                    await done.ExecuteNonQueryAsync(Cancellation);
                }
                catch (PostgresException exception)
                {
                    refused.Add($"{Path.GetFileName(release)}: {exception.MessageText}\n{statement.Sql}");
                }
            }
        }

        Assert.Empty(refused);
    }

    /// <summary>
    /// Not a check but how the file of a release is made, before it is tagged:
    /// <c>dotnet run --project tests/Storage.Postgres.Tests -- -explicit only -method "*Record_this_release"</c>.
    /// </summary>
    [Fact(Explicit = true)]
    [Trait("Tier", "release")]
    public async Task Record_this_release()
    {
        await using var test = await PostgresTestDatabase.CreateAsync();
        var options = test.Options;
        // One connection, which keeps every statement it was ever given.
        options.ConnectionString += ";Maximum Pool Size=1;Max Auto Prepare=2000;Auto Prepare Min Usages=1";
        await using var database = new PostgresDatabase(options, TimeProvider.System);
        await EveryStatement.RunAsync(database);
        var recorded = await database.ReadAsync(
            null,
            async session =>
            {
                List<Statement> statements = [];
                await using var reader = await session.QueryAsync(
                    "select statement, parameter_types::text[] from pg_prepared_statements where statement ~ 'slipway\\.'"
                );
                while (await reader.ReadAsync(Cancellation))
                {
                    statements.Add(new(reader.GetString(0), reader.GetFieldValue<string[]>(1)));
                }

                return statements;
            },
            Cancellation
        );

        var newest = PostgresMigrations.Embedded()[^1].Number;
        await File.WriteAllLinesAsync(
            Path.Combine(Folder(), $"{newest:0000}.jsonl"),
            recorded
                .DistinctBy(statement => statement.Sql)
                .OrderBy(statement => statement.Sql, StringComparer.Ordinal)
                .Select(statement => JsonSerializer.Serialize(statement, Line)),
            Cancellation
        );
    }

    private static int Number(string file) =>
        int.Parse(Path.GetFileNameWithoutExtension(file), System.Globalization.CultureInfo.InvariantCulture);

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private sealed record Statement(string Sql, string[] Types);
}
