using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Rag.Benchmarks;

/// <summary>The stores of the engine over one database: a file, or a database on a server.</summary>
internal sealed class EngineStore : IAsyncDisposable
{
    public const string Sqlite = "sqlite";
    public const string Postgres = "postgres";

    private readonly IAsyncDisposable _database;

    private EngineStore(IAsyncDisposable database, IDocumentStore documents, ILeaseStore leases, ISearchIndex index) =>
        (_database, Documents, Leases, Index) = (database, documents, leases, index);

    public IDocumentStore Documents { get; }

    public IDocumentQueue Queue => (IDocumentQueue)Documents;

    public ILeaseStore Leases { get; }

    public ISearchIndex Index { get; }

    /// <summary>Opens a file; it is made if it is not there.</summary>
    public static async Task<EngineStore> OpenFileAsync(string path)
    {
        var database = new SqliteDatabase(new SqliteStorageOptions { Path = path }, TimeProvider.System);
        await database.OpenAsync(CancellationToken.None);
        return new EngineStore(
            new Closing(database),
            new SqliteDocumentStore(database),
            new SqliteLeaseStore(database),
            new SqliteSearchIndex(database)
        );
    }

    /// <summary>Opens a database with connections of its own. It never builds an HNSW index: that is no part of ingestion.</summary>
    public static async Task<EngineStore> OpenDatabaseAsync(string connectionString)
    {
        var database = new PostgresDatabase(
            new PostgresStorageOptions { ConnectionString = connectionString },
            TimeProvider.System
        );
        await database.OpenAsync(CancellationToken.None);
        return new EngineStore(
            database,
            new PostgresDocumentStore(database),
            new PostgresLeaseStore(database),
            new PostgresSearchIndex(database) { LeastIndexedVectors = int.MaxValue }
        );
    }

    public IngestionPipeline Pipeline(
        IEmbeddingGenerator<string, Embedding<float>>? generator = null,
        IngestionOptions? options = null
    ) =>
        new(
            Documents,
            Queue,
            Leases,
            Index,
            ReaderSet.Default,
            new StructureChunker(),
            generator,
            options ?? new IngestionOptions(),
            TimeProvider.System,
            NullLogger<IngestionPipeline>.Instance
        );

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    private sealed class Closing(IDisposable database) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            database.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
