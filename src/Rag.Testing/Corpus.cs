using System.Collections.Concurrent;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>Puts short texts into a store and asks for them; remembers versions, so that a test need not.</summary>
internal sealed class Corpus(StoreFixture store)
{
    public const string Source = "test";
    public const string Model = "words";
    public static readonly Principal Anna = new("default", "anna");
    public static readonly Principal Bert = new("default", "bert") { Groups = ["service"] };
    public static readonly DateTimeOffset SeenAt = new(2026, 5, 31, 12, 0, 0, TimeSpan.Zero);

    private readonly ConcurrentDictionary<string, int> _versions = new(StringComparer.Ordinal);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The id that every engine gives to a document of this name.</summary>
    public static string Id(string name) => DocumentId.Derive(CollectionKey.Default, Source, name);

    public static SourceDocument Document(string name, params string[] principals) =>
        new()
        {
            ExternalId = name,
            Name = name,
            Size = 100,
            ModifiedAt = SeenAt.AddDays(-1),
            Principals = principals,
        };

    /// <summary>Chunks that follow one another without a gap, one a text.</summary>
    public static IReadOnlyList<ChunkRecord> Chunks(params string[] texts)
    {
        var chunks = new List<ChunkRecord>();
        foreach (var text in texts)
        {
            chunks.Add(Chunk(chunks.Count, chunks.Count == 0 ? 0 : chunks[^1].End, text));
        }

        return chunks;
    }

    public static ChunkRecord Chunk(int ordinal, int start, string text, params string[] headings) =>
        new()
        {
            Ordinal = ordinal,
            Start = start,
            End = start + text.Length,
            Text = text,
            Headings = headings,
            ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input(headings, null, text)),
        };

    public static DocumentPublication Publication(string name, params string[] texts) =>
        new()
        {
            Collection = CollectionKey.Default,
            Source = Source,
            Document = Document(name),
            BaseVersion = 0,
            MediaType = "text/plain",
            Title = "Title of " + name,
            Size = 100,
            SeenAt = SeenAt,
            ContentHash = ChunkIdentity.Hash(string.Concat(texts)),
            PipelineFingerprint = "pipeline/1",
            Metadata = new Dictionary<string, string>(0),
            Chunks = Chunks(texts),
            EmbeddingModel = Model,
        };

    public static DocumentFailure Failure(string name, DocumentState state = DocumentState.Failed) =>
        new()
        {
            Collection = CollectionKey.Default,
            Source = Source,
            Document = Document(name),
            State = state,
            ErrorClass = state == DocumentState.Failed ? ErrorClass.Transient : ErrorClass.Permanent,
            Error = "it did not work",
            PipelineFingerprint = "pipeline/1",
            SeenAt = SeenAt,
            NextActionAt = state == DocumentState.Failed ? SeenAt.AddDays(2) : null,
            Duration = TimeSpan.FromMilliseconds(250),
        };

    public Task<string> PublishAsync(string name, params string[] texts) => PublishAsync(Publication(name, texts));

    public Task<string> PublishForAsync(string[] principals, string name, params string[] texts) =>
        PublishAsync(Publication(name, texts) with { Document = Document(name, principals) });

    /// <summary>Publishes on whatever version there is, embeddings first.</summary>
    public async Task<string> PublishAsync(DocumentPublication publication)
    {
        var key = publication.Collection + publication.Document.ExternalId;
        await store.Documents.SaveEmbeddingsAsync(
            Model,
            [
                .. publication.Chunks.Select(chunk =>
                    (chunk.ContentHash, (ReadOnlyMemory<float>)WordVectors.Of(chunk.Text))
                ),
            ],
            Token
        );
        var (id, version) = await store.Documents.PublishAsync(
            publication with
            {
                BaseVersion = _versions.GetValueOrDefault(key),
            },
            Token
        );
        _versions[key] = version;
        return id;
    }

    /// <summary>Publishes new documents, some at once: too few for a store to treat them as a bulk load.</summary>
    public async Task PublishManyAsync(IEnumerable<DocumentPublication> publications)
    {
        foreach (var batch in publications.Chunk(50))
        {
            await store.Documents.SaveEmbeddingsAsync(
                Model,
                [
                    .. batch
                        .SelectMany(publication => publication.Chunks)
                        .DistinctBy(chunk => chunk.ContentHash)
                        .Select(chunk => (chunk.ContentHash, (ReadOnlyMemory<float>)WordVectors.Of(chunk.Text))),
                ],
                Token
            );
            var published = await store.Documents.PublishBatchAsync(batch, Token);
            foreach (var (publication, version) in batch.Zip(published))
            {
                _versions[publication.Collection + publication.Document.ExternalId] = version!.Value.Version;
            }
        }
    }

    /// <summary>Looks up the version that somebody else has published.</summary>
    public async Task CatchUpAsync(string name) =>
        _versions[CollectionKey.Default + name] = (await LedgerAsync(name)).Version;

    public async Task DeleteAsync(string name)
    {
        _versions.TryRemove(CollectionKey.Default + name, out _);
        await store.Documents.DeleteAsync(CollectionKey.Default, [Id(name)], Token);
    }

    public ValueTask SaveEmbeddingAsync(string model, string text, params float[] vector) =>
        store.Documents.SaveEmbeddingsAsync(model, [(Chunk(0, 0, text).ContentHash, vector)], Token);

    public ValueTask<int> MergeAsync() => store.Search.MergeAsync(CollectionKey.Default, Token);

    public Task<IReadOnlyList<ScoredChunk>> SearchAsync(string query, int count = 10, Principal? principal = null) =>
        SearchAsync(store.Search, query, count, principal);

    public static async Task<IReadOnlyList<ScoredChunk>> SearchAsync(
        ISearchIndex index,
        string query,
        int count = 10,
        Principal? principal = null
    )
    {
        await using var snapshot = await index.OpenSnapshotAsync(CollectionKey.Default, principal ?? Anna, Token);
        return await snapshot.SearchTextAsync(query, count, new Bm25Options(), Token);
    }

    public Task<IReadOnlyList<ScoredChunk>> NearestAsync(
        float[] vector,
        int count = 10,
        Principal? principal = null,
        string model = Model
    ) => NearestAsync(store.Search, vector, count, principal, model);

    public static async Task<IReadOnlyList<ScoredChunk>> NearestAsync(
        ISearchIndex index,
        float[] vector,
        int count = 10,
        Principal? principal = null,
        string model = Model
    )
    {
        await using var snapshot = await index.OpenSnapshotAsync(CollectionKey.Default, principal ?? Anna, Token);
        return await snapshot.SearchVectorsAsync(model, vector, count, Token);
    }

    public async Task<LedgerEntry> LedgerAsync(string name) =>
        (await LedgerAsync()).Single(entry => entry.ExternalId == name);

    public async Task<IReadOnlyList<LedgerEntry>> LedgerAsync() =>
        await store.Documents.ReadLedgerAsync(CollectionKey.Default, Source, Token).ToListAsync(Token);

    public async Task<IReadOnlyList<DocumentInfo>> ListAsync(DocumentQuery? query = null) =>
        (await store.Documents.ListAsync(query ?? Everything, Token)).Documents;

    public async Task<string?> TextAsync(string id, Principal? principal = null) =>
        (await store.Documents.ReadTextAsync(principal ?? Anna, id, Token))?.Text;

    public static DocumentQuery Everything { get; } =
        new()
        {
            Collection = CollectionKey.Default,
            Principal = Anna,
            Limit = 1_000,
        };
}
