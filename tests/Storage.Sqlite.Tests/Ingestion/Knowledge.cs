using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Ingestion;

/// <summary>A folder, a database file and the whole engine over them.</summary>
internal sealed class Knowledge : IDisposable
{
    private readonly LocalFolderSource _source;

    public Knowledge(
        CountingEmbedder? embedder = null,
        IChunker? chunker = null,
        IngestionOptions? options = null,
        TimeProvider? time = null,
        Knowledge? sharing = null
    )
    {
        Folder = sharing?.Folder ?? new TemporaryFolder();
        Data = sharing?.Data ?? new TemporaryFolder();
        Owns = sharing is null;
        Time = time ?? TimeProvider.System;
        Database = new SqliteDatabase(new SqliteStorageOptions { Path = Path.Combine(Data.Path, "slipway.db") }, Time);
        Store = new SqliteDocumentStore(Database);
        Index = new SqliteSearchIndex(Database);
        Embedder = embedder;
        Pipeline = new IngestionPipeline(
            Store,
            Index,
            ReaderSet.Default,
            chunker ?? new StructureChunker(),
            embedder,
            options ?? new IngestionOptions(),
            Time,
            NullLogger<IngestionPipeline>.Instance
        );
        Inbox = new DocumentInbox(Store, Store, new SqliteBlobStore(Database), Pipeline, CollectionKey.Default, Time);
        _source = new LocalFolderSource(Folder.Path);
    }

    public TemporaryFolder Folder { get; }

    public TemporaryFolder Data { get; }

    public bool Owns { get; }

    public TimeProvider Time { get; }

    public SqliteDatabase Database { get; }

    public SqliteDocumentStore Store { get; }

    public SqliteSearchIndex Index { get; }

    public CountingEmbedder? Embedder { get; }

    public IngestionPipeline Pipeline { get; }

    public DocumentInbox Inbox { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Writes a file as if it had been there for a day, so that time alone tells whether it changed.</summary>
    public void Write(string name, string content, int daysAgo = 1) =>
        File.SetLastWriteTimeUtc(Folder.Write(name, content), Time.GetUtcNow().UtcDateTime.AddDays(-daysAgo));

    public Task<IngestionReport> RunAsync() => Pipeline.RunAsync(_source, CollectionKey.Default, null, Token);

    public async Task<DocumentInfo> DocumentAsync(string name) =>
        (await DocumentsAsync()).Single(document => document.Name == name);

    public async Task<IReadOnlyList<DocumentInfo>> DocumentsAsync() =>
        (
            await Store.ListAsync(
                new DocumentQuery
                {
                    Collection = CollectionKey.Default,
                    Principal = Principal.Local,
                    Limit = 1000,
                },
                Token
            )
        ).Documents;

    /// <summary>Names of the documents that answer a question, best first.</summary>
    public async Task<IReadOnlyList<string>> SearchAsync(string query)
    {
        await using var snapshot = await Index.OpenSnapshotAsync(CollectionKey.Default, Principal.Local, Token);
        var hits = await snapshot.SearchTextAsync(query, 20, new Bm25Options(), Token);
        return [.. (await snapshot.ReadPassagesAsync(hits, Token)).Select(passage => passage.Name).Distinct()];
    }

    public ValueTask<long> CountAsync(string sql) => Database.ReadAsync(session => (long)session.Scalar(sql)!, Token);

    public void Dispose()
    {
        _source.Dispose();
        Inbox.Dispose();
        Database.Dispose();
        if (Owns)
        {
            Folder.Dispose();
            Data.Dispose();
        }
    }
}

/// <summary>Words hashed into a vector; counts what it is paid for and fails when told to.</summary>
internal sealed class CountingEmbedder(string model = "hashed-words", int dimensions = 64)
    : IEmbeddingGenerator<string, Embedding<float>>
{
    private int _inputs;

    public int Inputs => _inputs;

    public Func<string, Exception?> Fails { get; set; } = _ => null;

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var result = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var value in values)
        {
            if (Fails(value) is { } exception)
            {
                throw exception;
            }

            Interlocked.Increment(ref _inputs);
            var vector = new float[dimensions];
            foreach (var word in value.ToLowerInvariant().Split(' ', '\n', '.', ','))
            {
                var hash = word.Aggregate(17u, (sum, c) => (sum * 31) + c);
                vector[hash % dimensions] += (hash & 1024) == 0 ? 1 : -1;
            }

            result.Add(new Embedding<float>(vector));
        }

        return Task.FromResult(result);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata)
            ? new EmbeddingGeneratorMetadata("test", null, model, dimensions)
            : null;

    public void Dispose() { }
}
