using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>A folder and the whole engine over a store. The store is not disposed.</summary>
internal sealed class Knowledge : IDisposable
{
    private readonly LocalFolderSource _folder;
    private readonly TimeProvider _time;
    private readonly bool _ownsFolder;

    /// <param name="store">Where everything goes.</param>
    /// <param name="time">The engine's clock, and the one that files are dated by.</param>
    /// <param name="embedder">The embedding model; null searches by words alone.</param>
    /// <param name="chunker">How text is cut.</param>
    /// <param name="options">The engine's settings.</param>
    /// <param name="folder">Another engine's folder; null makes one.</param>
    /// <param name="gate">What the calls of its source pass; null for nothing.</param>
    public Knowledge(
        StoreFixture store,
        TimeProvider time,
        CountingEmbedder? embedder = null,
        IChunker? chunker = null,
        IngestionOptions? options = null,
        string? folder = null,
        Gate? gate = null
    )
    {
        Store = store;
        _time = time;
        _ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("slipway-knowledge-").FullName;
        Pipeline = new IngestionPipeline(
            store.Documents,
            store.Queue,
            store.Leases,
            store.Search,
            ReaderSet.Default,
            chunker ?? new StructureChunker(),
            embedder,
            options ?? new IngestionOptions(),
            time,
            NullLogger<IngestionPipeline>.Instance
        );
        Inbox = new DocumentInbox(
            store.Documents,
            store.Inbox,
            store.Blobs,
            store.Changes,
            Pipeline,
            CollectionKey.Default,
            time
        );
        _folder = new LocalFolderSource(Folder);
        Source = gate is null ? _folder : GatedProxy<IDocumentSource>.Over(_folder, gate);
    }

    public StoreFixture Store { get; }

    public string Folder { get; }

    public IDocumentSource Source { get; }

    public IngestionPipeline Pipeline { get; }

    public DocumentInbox Inbox { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Writes a file as if it had been there for a day, so that time alone tells whether it changed.</summary>
    public void Write(string name, string content, int daysAgo = 1) =>
        Write(name, System.Text.Encoding.UTF8.GetBytes(content), daysAgo);

    public void Write(string name, byte[] content, int daysAgo = 1)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        File.SetLastWriteTimeUtc(path, _time.GetUtcNow().UtcDateTime.AddDays(-daysAgo));
    }

    public Task<IngestionReport> RunAsync() => Pipeline.RunAsync(Source, CollectionKey.Default, null, Token);

    public async Task<DocumentInfo> DocumentAsync(string name) =>
        (await DocumentsAsync()).Single(document => document.Name == name);

    public async Task<IReadOnlyList<DocumentInfo>> DocumentsAsync() =>
        (
            await Store.Documents.ListAsync(
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
        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, Principal.Local, Token);
        var hits = await snapshot.SearchTextAsync(query, 20, new Bm25Options(), Token);
        return [.. (await snapshot.ReadPassagesAsync(hits, Token)).Select(passage => passage.Name).Distinct()];
    }

    public ValueTask<long> CountAsync(StoredKind kind) => Store.CountAsync(kind, Token);

    public void Dispose()
    {
        _folder.Dispose();
        Inbox.Dispose();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
