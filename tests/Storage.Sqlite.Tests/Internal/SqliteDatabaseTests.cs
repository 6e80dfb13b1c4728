using Microsoft.Data.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Internal;

public sealed class SqliteDatabaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder.Path, "data", "slipway.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_and_its_folder_are_made_with_every_table_of_the_design()
    {
        using var database = Open();

        var tables = await database.ReadAsync(
            session =>
            {
                using var reader = session.Query("select name from sqlite_master where type = 'table'");
                var names = new HashSet<string>();
                while (reader.Read())
                {
                    names.Add(reader.GetString(0));
                }

                return names;
            },
            Token
        );

        string[] designed =
        [
            "sources documents document_versions chunks embeddings document_rows blobs",
            "lexical_postings lexical_buckets lexical_documents lexical_deltas",
            "ingestion_runs ingestion_attempts leases index_generations",
            "users api_keys conversations messages turns turn_steps turn_events memories usage",
        ];
        Assert.Empty(designed.SelectMany(line => line.Split(' ')).Except(tables));
    }

    [Fact]
    public async Task Migrations_may_run_again_by_hand_and_change_nothing()
    {
        using (var database = Open())
        {
            await database.WriteAsync(
                session =>
                    session.Execute(
                        "insert into sources (tenant, collection, name, created_at) values ('t', 'c', 's', 1)"
                    ),
                Token
            );
        }

        using (var connection = new SqliteConnection($"Data Source={File};Pooling=false"))
        {
            connection.Open();
            foreach (var (_, _, sql) in SqliteMigrations.Embedded())
            {
                using var command = connection.CreateCommand();
                // The shell reports a column that is there already, and goes on.
                var lines = sql.Split('\n').Where(line => !line.Contains(" add column ", StringComparison.Ordinal));
                command.CommandText = string.Join('\n', lines) + "; delete from schema_migrations;";
                command.ExecuteNonQuery();
            }
        }

        using var again = Open();
        Assert.Equal(1L, await again.ReadAsync(session => session.Scalar("select count(*) from sources"), Token));
        Assert.Equal(
            (long)SqliteMigrations.Embedded().Count(),
            await again.ReadAsync(session => session.Scalar("select count(*) from schema_migrations"), Token)
        );
    }

    [Fact]
    public async Task A_schema_that_was_made_by_hand_is_noted()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        using (var connection = new SqliteConnection($"Data Source={File};Pooling=false"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = string.Concat(SqliteMigrations.Embedded().Select(migration => migration.Sql));
            command.ExecuteNonQuery();
        }

        using var database = Open();
        Assert.Equal(
            (long)SqliteMigrations.Embedded().Count(),
            await database.ReadAsync(session => session.Scalar("select count(*) from schema_migrations"), Token)
        );
    }

    [Fact]
    public async Task Ten_processes_may_start_at_once()
    {
        var databases = Enumerable.Range(0, 10).Select(_ => Open()).ToList();
        await Task.WhenAll(databases.Select(database => Task.Run(() => database.OpenAsync(Token).AsTask(), Token)));

        Assert.Equal(
            (long)SqliteMigrations.Embedded().Count(),
            await databases[0].ReadAsync(session => session.Scalar("select count(*) from schema_migrations"), Token)
        );
        databases.ForEach(database => database.Dispose());
    }

    [Fact]
    public async Task A_write_that_throws_leaves_nothing_behind()
    {
        using var database = Open();
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await database.WriteAsync(
                session =>
                {
                    session.Execute(
                        "insert into sources (tenant, collection, name, created_at) values ('t', 'c', 's', 1)"
                    );
                    throw new InvalidOperationException();
                },
                Token
            )
        );

        Assert.Equal(0L, await database.ReadAsync(session => session.Scalar("select count(*) from sources"), Token));
    }

    [Fact]
    public async Task A_snapshot_does_not_see_what_is_written_after_it_began()
    {
        using var database = Open();
        using var read = await database.BeginReadAsync(Token);
        Assert.Equal(0L, read.Session.Scalar("select count(*) from sources"));
        await database.WriteAsync(
            session =>
                session.Execute("insert into sources (tenant, collection, name, created_at) values ('t', 'c', 's', 1)"),
            Token
        );

        Assert.Equal(0L, read.Session.Scalar("select count(*) from sources"));
        Assert.Equal(1L, await database.ReadAsync(session => session.Scalar("select count(*) from sources"), Token));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_an_error_that_names_it()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        await System.IO.File.WriteAllTextAsync(File, new string('x', 10_000), Token);
        using var database = Open();

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Token));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Fix);
        Assert.Equal(10_000, new FileInfo(File).Length);
    }

    [Fact]
    public async Task A_damaged_database_is_an_error_that_names_it()
    {
        using (var database = Open())
        {
            await database.OpenAsync(Token);
        }

        var bytes = await System.IO.File.ReadAllBytesAsync(File, Token);
        new Random(7).NextBytes(bytes.AsSpan(4096));
        await System.IO.File.WriteAllBytesAsync(File, bytes, Token);

        using var damaged = Open();
        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await damaged.ReadAsync(session => session.Scalar("select count(*) from documents"), Token)
        );
        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_locked_by_another_process_is_a_transient_error_after_the_wait()
    {
        using var database = Open(TimeSpan.FromSeconds(1));
        await database.OpenAsync(Token);
        using var other = new SqliteConnection($"Data Source={File};Pooling=false");
        other.Open();
        using var transaction = other.BeginTransaction();

        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await database.WriteAsync(session => session.Execute("delete from sources"), Token)
        );

        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains("locked", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_current_database_opens_and_reads_while_another_process_writes()
    {
        using (var database = Open())
        {
            await database.OpenAsync(Token);
        }

        using var other = new SqliteConnection($"Data Source={File};Pooling=false");
        other.Open();
        using var transaction = other.BeginTransaction();

        using var reader = Open(TimeSpan.FromSeconds(1));
        Assert.Equal(0L, await reader.ReadAsync(session => session.Scalar("select count(*) from sources"), Token));
    }

    [Fact]
    public async Task A_path_that_is_a_folder_is_an_error_that_says_so()
    {
        Directory.CreateDirectory(File);
        using var database = Open();

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Token));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
    }

    private SqliteDatabase Open(TimeSpan? busyTimeout = null) =>
        new(
            new SqliteStorageOptions { Path = File, BusyTimeout = busyTimeout ?? TimeSpan.FromSeconds(10) },
            TimeProvider.System
        );
}
