using System.Runtime.InteropServices;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Retrieval.Evaluation;

/// <summary>The product: published through a store, merged, searched.</summary>
internal sealed class StoreRun : IRun
{
    private const int ChunksPerDocument = 5; // how much deeper to look when several chunks stand for a document

    private readonly EvaluationStore _store;
    private readonly EvaluationOptions _options;
    private readonly Dictionary<string, string> _names = []; // document id → corpus id
    private readonly Principal _principal = new(CollectionKey.Default.Tenant, "evaluation");

    private StoreRun(EvaluationStore store, EvaluationOptions options) => (_store, _options) = (store, options);

    public int Chunks { get; private set; }

    public TimeSpan Indexing { get; private set; }

    public static async Task<StoreRun> CreateAsync(BeirDataset data, EvaluationOptions options, StoreKind kind)
    {
        var run = new StoreRun(await EvaluationStore.OpenAsync(kind), options);
        var started = TimeProvider.System.GetTimestamp();
        foreach (var (id, title, text) in data.Corpus)
        {
            var whole = title.Length == 0 ? text : title + "\n" + text;
            var chunks = run.Cut(whole);
            run.Chunks += chunks.Length;
            var (documentId, _) = await run._store.Documents.PublishAsync(Publication(id, whole, chunks, options));
            run._names[documentId] = id;
        }

        await run._store.Index.MergeAsync(CollectionKey.Default);
        run.Indexing = TimeProvider.System.GetElapsedTime(started);
        return run;
    }

    public async ValueTask<IReadOnlyList<string>> RankAsync(string query, int count)
    {
        var chunks = await SearchAsync(query, _options.Chunked ? count * ChunksPerDocument : count);
        return [.. chunks.Select(chunk => _names[chunk.DocumentId]).Distinct().Take(count)];
    }

    public async ValueTask<IReadOnlyList<ScoredChunk>> SearchAsync(string query, int count)
    {
        await using var snapshot = await _store.Index.OpenSnapshotAsync(CollectionKey.Default, _principal);
        return await snapshot.SearchTextAsync(query, count, _options.Bm25);
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

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

    private static DocumentPublication Publication(
        string id,
        string text,
        IReadOnlyList<ChunkRecord> chunks,
        EvaluationOptions options
    ) =>
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
            Analyzer = options.Analyzer,
        };
}
