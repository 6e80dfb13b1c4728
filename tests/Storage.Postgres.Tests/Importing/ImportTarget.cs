using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Storage.Postgres.Tests.Importing;

/// <summary>A store of ours to import to, on either engine.</summary>
internal sealed class ImportTarget(ServiceProvider services, PostgresTestDatabase? database, string path)
    : IAsyncDisposable
{
    public ServiceProvider Services { get; } = services;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ImportTarget> OpenAsync(string engine, TemporaryFolder folder)
    {
        var builder = new Builder(new ServiceCollection());
        if (engine == "sqlite")
        {
            var path = Path.Combine(folder.Path, "target.db");
            builder.UseSqlite(path);
            return new ImportTarget(builder.Services.BuildServiceProvider(), null, path);
        }

        var database = await PostgresTestDatabase.CreateAsync();
        builder.UsePostgres(database.ConnectionString);
        return new ImportTarget(builder.Services.BuildServiceProvider(), database, "");
    }

    /// <summary>The rows of a table, by its key.</summary>
    public async Task<List<object?[]>> ReadAsync(string table)
    {
        await using var reader = await Services.GetRequiredService<IStoreTables>().OpenReaderAsync(Token);
        return await reader.ReadAsync(StoreTable.Named(table), null, Token).ToListAsync(Token);
    }

    /// <summary>A statement on the SQLite file.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={path};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Services.DisposeAsync();
        if (database is not null)
        {
            await database.DisposeAsync();
        }
    }

    private sealed record Builder(IServiceCollection Services) : ISlipwayBuilder;
}
