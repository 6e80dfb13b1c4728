using System.Runtime.InteropServices;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Retrieval.Evaluation;

/// <summary>The product: published through the store into a file, merged, searched.</summary>
internal sealed class StoreRun : IRun
{
    private const int ChunksPerDocument = 5; // how much deeper to look when several chunks stand for a document

    private readonly string _folder = Directory.CreateTempSubdirectory("slipway-evaluation-").FullName;
    private readonly SqliteDatabase _database;
    private readonly SqliteSearchIndex _index;
    private readonly EvaluationOptions _options;
    private readonly Dictionary<string, string> _names = []; // document id → corpus id
    private readonly Principal _principal = new(CollectionKey.Default.Tenant, "evaluation");

    private StoreRun(EvaluationOptions options)
    {
        _options = options;
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(_folder, "evaluation.db") },
            TimeProvider.System
        );
        _index = new SqliteSearchIndex(_database);
    }

    public int Chunks { get; private set; }

    public TimeSpan Indexing { get; private set; }

    public static async Task<StoreRun> CreateAsync(BeirDataset data, EvaluationOptions options)
    {
        var run = new StoreRun(options);
        var store = new SqliteDocumentStore(run._database);
        var started = TimeProvider.System.GetTimestamp();
        await run._database.WriteAsync(
            session => _ = SqliteIndexWriter.GetOrCreateIndex(session, CollectionKey.Default, options.Analyzer),
            CancellationToken.None
        );
        foreach (var (id, title, text) in data.Corpus)
        {
            var whole = title.Length == 0 ? text : title + "\n" + text;
            var chunks = run.Cut(whole);
            run.Chunks += chunks.Length;
            var (documentId, _) = await store.PublishAsync(Publication(id, whole, chunks));
            run._names[documentId] = id;
        }

        await run._index.MergeAsync(CollectionKey.Default);
        run.Indexing = TimeProvider.System.GetElapsedTime(started);
        return run;
    }

    public async ValueTask<IReadOnlyList<string>> RankAsync(string query, int count)
    {
        await using var snapshot = await _index.OpenSnapshotAsync(CollectionKey.Default, _principal);
        var depth = _options.Chunked ? count * ChunksPerDocument : count;
        var chunks = await snapshot.SearchTextAsync(query, depth, _options.Bm25);
        return [.. chunks.Select(chunk => _names[chunk.DocumentId]).Distinct().Take(count)];
    }

    public ValueTask DisposeAsync()
    {
        _database.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private ChunkRecord[] Cut(string text)
    {
        IReadOnlyList<Chunk> chunks =
            text.Length == 0 ? []
            : _options.Chunked ? new StructureChunker().Chunk(new StructuredDocument { Text = text })
            : [new Chunk(0, text.Length)];
        return
        [
            .. chunks.Select(
                (chunk, i) =>
                    new ChunkRecord
                    {
                        Ordinal = i,
                        Start = chunk.Start,
                        End = chunk.End,
                        Text = text[chunk.Start..chunk.End],
                        Headings = chunk.Headings,
                        RepeatedHeader = chunk.RepeatedHeader,
                        ContentHash = ChunkIdentity.Hash(
                            ChunkIdentity.Input(
                                chunk.Headings,
                                chunk.RepeatedHeader,
                                text.AsSpan(chunk.Start..chunk.End)
                            )
                        ),
                    }
            ),
        ];
    }

    private static DocumentPublication Publication(string id, string text, IReadOnlyList<ChunkRecord> chunks) =>
        new()
        {
            Collection = CollectionKey.Default,
            Source = "evaluation",
            Document = new SourceDocument { ExternalId = id, Name = id },
            BaseVersion = 0,
            MediaType = "text/plain",
            Title = id,
            Size = text.Length,
            SeenAt = DateTimeOffset.UnixEpoch,
            ContentHash = Convert.ToHexStringLower(
                System.Security.Cryptography.SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()))
            ),
            PipelineFingerprint = "evaluation",
            Metadata = new Dictionary<string, string>(),
            Chunks = chunks,
        };
}
