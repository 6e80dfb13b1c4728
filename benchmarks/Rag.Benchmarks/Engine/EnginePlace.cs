using System.Globalization;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// Where a database of a benchmark lies, so that another process can open it: a file, or the name of a database on the server that
/// <c>SLIPWAY_BENCHMARK_POSTGRES</c> names. Removed at the end by whoever made it.
/// </summary>
internal sealed class EnginePlace : IAsyncDisposable
{
    private readonly BenchmarkDatabase? _database;
    private readonly string? _folder;

    private EnginePlace(string store, string name, BenchmarkDatabase? database, string? folder) =>
        (Store, Name, _database, _folder) = (store, name, database, folder);

    public string Store { get; }

    /// <summary>What <see cref="OpenAsync(string,string)"/> takes.</summary>
    public string Name { get; }

    public static async Task<EnginePlace> CreateAsync(string store)
    {
        if (store == EngineStore.Postgres)
        {
            var database = await BenchmarkDatabase.CreateAsync();
            return new EnginePlace(store, database.Name, database, null);
        }

        if (store != EngineStore.Sqlite)
        {
            throw new ArgumentException(
                $"--store is '{store}'; expected {EngineStore.Sqlite} or {EngineStore.Postgres}."
            );
        }

        var folder = Directory.CreateTempSubdirectory("slipway-benchmark-").FullName;
        return new EnginePlace(store, Path.Combine(folder, "slipway.db"), null, folder);
    }

    public static Task<EngineStore> OpenAsync(string store, string name) =>
        store == EngineStore.Postgres
            ? EngineStore.OpenDatabaseAsync(BenchmarkDatabase.ConnectionStringTo(name))
            : EngineStore.OpenFileAsync(name);

    public Task<EngineStore> OpenAsync() => OpenAsync(Store, Name);

    /// <summary>Bytes on disk, in words.</summary>
    public async Task<string> SizeAsync()
    {
        var bytes = _database is not null
            ? (long)(await _database.ExecuteAsync("select pg_database_size(current_database())"))!
            : new DirectoryInfo(_folder!).EnumerateFiles().Sum(file => file.Length);
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB");
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
        else
        {
            Directory.Delete(_folder!, recursive: true);
        }
    }
}
