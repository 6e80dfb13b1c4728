using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// A folder into an empty database, and the same folder again unchanged, beside reading and hashing the same files. The folder is
/// named by SLIPWAY_BENCHMARK_FOLDER; without it, 900 Markdown files are made.
/// </summary>
[Config(typeof(InProcess.LongOperations))]
[MemoryDiagnoser]
public class IngestionBenchmarks
{
    private readonly string _data = Directory.CreateTempSubdirectory("slipway-benchmark-").FullName;
    private IngestionMeasurement _ingested = null!;
    private string _folder = null!;

    [GlobalSetup]
    public async Task SetUp()
    {
        _folder = IngestionMeasurement.Folder(_data);
        _ingested = new IngestionMeasurement(_folder, Path.Combine(_data, "ingested.db"));
        await _ingested.RunAsync();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _ingested.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    [Benchmark(Baseline = true, Description = "read and hash")]
    public long ReadAndHash() => IngestionMeasurement.ReadAndHash(_folder);

    [Benchmark(Description = "ingest")]
    public async Task<int> Ingest()
    {
        using var fresh = new IngestionMeasurement(_folder, Path.Combine(_data, Path.GetRandomFileName()));
        return (await fresh.RunAsync()).Added;
    }

    [Benchmark(Description = "rescan, nothing changed")]
    public async Task<int> Rescan() => (await _ingested.RunAsync()).Unchanged;
}

/// <summary>The engine over a folder and a file, with no embedding model.</summary>
internal sealed class IngestionMeasurement : IDisposable
{
    private readonly SqliteDatabase _database;
    private readonly LocalFolderSource _source;
    private readonly IngestionPipeline _pipeline;

    public IngestionMeasurement(string folder, string file)
    {
        _database = new SqliteDatabase(new SqliteStorageOptions { Path = file }, TimeProvider.System);
        _source = new LocalFolderSource(folder);
        var store = new SqliteDocumentStore(_database);
        _pipeline = new IngestionPipeline(
            store,
            store,
            new SqliteLeaseStore(_database),
            new SqliteSearchIndex(_database),
            ReaderSet.Default,
            new StructureChunker(),
            null,
            new IngestionOptions(),
            TimeProvider.System,
            NullLogger<IngestionPipeline>.Instance
        );
    }

    public static string Folder(string scratch)
    {
        if (Environment.GetEnvironmentVariable("SLIPWAY_BENCHMARK_FOLDER") is { Length: > 0 } named)
        {
            return named;
        }

        var folder = Directory.CreateDirectory(Path.Combine(scratch, "markdown")).FullName;
        var random = new Random(1);
        for (var i = 0; i < 900; i++)
        {
            var sections = Enumerable
                .Range(0, 12)
                .Select(n =>
                    $"## Section {n}\n\n"
                    + string.Join(' ', Enumerable.Range(0, 140).Select(_ => "word" + random.Next(30_000)))
                );
            File.WriteAllText(Path.Combine(folder, $"{i}.md"), $"# Document {i}\n\n" + string.Join("\n\n", sections));
        }

        return folder;
    }

    public static long ReadAndHash(string folder)
    {
        var bytes = 0L;
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var content = File.ReadAllBytes(file);
            SHA256.HashData(content);
            bytes += content.Length;
        }

        return bytes;
    }

    public Task<IngestionReport> RunAsync() => _pipeline.RunAsync(_source, CollectionKey.Default);

    public void Dispose()
    {
        _source.Dispose();
        _database.Dispose();
    }
}
