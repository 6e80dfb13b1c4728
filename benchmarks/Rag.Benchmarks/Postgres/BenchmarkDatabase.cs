using Npgsql;
using Slipway.Storage.Postgres;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// A database of its own on the server that <c>SLIPWAY_BENCHMARK_POSTGRES</c> names; dropped at the end, unless it has a name and so is kept
/// for the next run.
/// </summary>
internal sealed class BenchmarkDatabase : IAsyncDisposable
{
    public const string Variable = "SLIPWAY_BENCHMARK_POSTGRES";

    private readonly string _server;
    private readonly string _name;
    private readonly bool _keep;

    private BenchmarkDatabase(string server, string name, bool keep)
    {
        (_server, _name, _keep) = (server, name, keep);
        ConnectionString = ConnectionStringTo(name);
        Database = new PostgresDatabase(
            new PostgresStorageOptions { ConnectionString = ConnectionString },
            TimeProvider.System
        );
        Index = new PostgresSearchIndex(Database);
    }

    public string ConnectionString { get; }

    /// <summary>Its name on the server.</summary>
    public string Name => _name;

    private static string Server =>
        Environment.GetEnvironmentVariable(Variable)
        ?? throw new InvalidOperationException($"Set {Variable} to the connection string of a server's superuser.");

    public PostgresDatabase Database { get; }

    public PostgresSearchIndex Index { get; }

    /// <summary>Whether the corpus is in it already.</summary>
    public bool IsLoaded { get; private init; }

    public static string ConnectionStringTo(string name) =>
        new NpgsqlConnectionStringBuilder(Server) { Database = name }.ConnectionString;

    public static async Task<BenchmarkDatabase> CreateAsync(string? kept = null)
    {
        var server = Server;
        var name = "slipway_benchmark_" + (kept ?? Guid.NewGuid().ToString("N")[..12]);
        var exists =
            kept is not null && await ExecuteAsync(server, $"select 1 from pg_database where datname = '{name}'") is 1;
        if (!exists)
        {
            await ExecuteAsync(server, $"create database {name}");
        }

        var database = new BenchmarkDatabase(server, name, kept is not null) { IsLoaded = exists };
        await database.Database.OpenAsync(CancellationToken.None);
        return database;
    }

    /// <summary>A connection as an application has it: pooled, statements prepared after their second use.</summary>
    public async Task<NpgsqlConnection> ConnectAsync()
    {
        var builder = new NpgsqlDataSourceBuilder(
            new NpgsqlConnectionStringBuilder(ConnectionString)
            {
                MaxAutoPrepare = 100,
                AutoPrepareMinUsages = 2,
            }.ConnectionString
        );
        builder.UseVector();
        return await builder.Build().OpenConnectionAsync();
    }

    public Task<object?> ExecuteAsync(string sql) => ExecuteAsync(ConnectionString, sql);

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        if (_keep)
        {
            return;
        }

        await ExecuteAsync(_server, $"drop database if exists {_name} with (force)");
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync();
    }
}
