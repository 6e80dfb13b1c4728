using Npgsql;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Retrieval.Evaluation;

/// <summary>A store with a fresh database, removed at the end.</summary>
internal sealed class EvaluationStore(IDocumentStore documents, ISearchIndex index, Func<ValueTask> dispose)
    : IAsyncDisposable
{
    public const string Variable = "SLIPWAY_BENCHMARK_POSTGRES";

    public IDocumentStore Documents { get; } = documents;

    public ISearchIndex Index { get; } = index;

    public static Task<EvaluationStore> OpenAsync(StoreKind kind) =>
        kind == StoreKind.Postgres ? OpenPostgresAsync() : Task.FromResult(OpenSqlite());

    public ValueTask DisposeAsync() => dispose();

    private static EvaluationStore OpenSqlite()
    {
        var folder = Directory.CreateTempSubdirectory("slipway-evaluation-").FullName;
        var database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(folder, "evaluation.db") },
            TimeProvider.System
        );
        return new EvaluationStore(
            new SqliteDocumentStore(database),
            new SqliteSearchIndex(database),
            () =>
            {
                database.Dispose();
                Directory.Delete(folder, recursive: true);
                return ValueTask.CompletedTask;
            }
        );
    }

    private static async Task<EvaluationStore> OpenPostgresAsync()
    {
        var server = Environment.GetEnvironmentVariable(Variable)!;
        var name = "slipway_evaluation_" + Guid.NewGuid().ToString("N")[..12];
        await ExecuteAsync(server, $"create database {name}");
        var database = new PostgresDatabase(
            new PostgresStorageOptions
            {
                ConnectionString = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString,
            },
            TimeProvider.System
        );
        return new EvaluationStore(
            new PostgresDocumentStore(database),
            new PostgresSearchIndex(database),
            async () =>
            {
                await database.DisposeAsync();
                await ExecuteAsync(server, $"drop database if exists {name} with (force)");
            }
        );
    }

    private static async Task ExecuteAsync(string server, string sql)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>An engine.</summary>
internal enum StoreKind
{
    Sqlite,
    Postgres,
}
