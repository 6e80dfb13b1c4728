using System.Collections.Concurrent;
using System.Security.Cryptography;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>Ingestion without an engine: every file is read, chunked and written, in large batches, and nothing else is asked or noted.</summary>
internal sealed class BareIngestion(string folder, bool analyze)
{
    /// <summary>Documents in one transaction.</summary>
    private const int Batch = 500;

    private readonly StructureChunker _chunker = new();
    private readonly TextAnalyzer _analyzer = new(AnalyzerOptions.English);
    private readonly ConcurrentDictionary<string, bool> _embedded = new(StringComparer.Ordinal);
    private int _documents;
    private int _chunks;

    /// <summary>As many batches at a time as the engine has documents; who can only write one by one waits in <paramref name="write"/>.</summary>
    public async Task<(int Documents, int Chunks)> RunAsync(Func<IReadOnlyList<BareDocument>, Task> write)
    {
        await Parallel.ForEachAsync(
            Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Chunk(Batch),
            new ParallelOptions { MaxDegreeOfParallelism = new IngestionOptions().MaxConcurrency },
            async (files, _) =>
            {
                var documents = new List<BareDocument>(files.Length);
                foreach (var file in files)
                {
                    documents.Add(await ReadAsync(file));
                }

                await write(documents);
                Interlocked.Add(ref _documents, documents.Count);
                Interlocked.Add(ref _chunks, documents.Sum(document => document.Chunks.Count));
            }
        );
        return (_documents, _chunks);
    }

    private async Task<BareDocument> ReadAsync(string file)
    {
        var name = Path.GetRelativePath(folder, file);
        var content = await File.ReadAllBytesAsync(file);
        var mediaType = MediaTypes.Detect(
            name,
            content.AsSpan(0, Math.Min(content.Length, MediaTypes.SniffLength)),
            null
        );
        var document = await ReaderSet.Default.ReadAsync(
            new MemoryStream(content),
            new ReadingContext { Name = name, MediaType = mediaType }
        );
        var chunks = new List<ChunkRecord>();
        foreach (var chunk in _chunker.Chunk(document))
        {
            var text = document.Text[chunk.Start..chunk.End];
            chunks.Add(
                new ChunkRecord
                {
                    Ordinal = chunks.Count,
                    Start = chunk.Start,
                    End = chunk.End,
                    Text = text,
                    Headings = chunk.Headings,
                    RepeatedHeader = chunk.RepeatedHeader,
                    ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input(chunk.Headings, chunk.RepeatedHeader, text)),
                }
            );
        }

        if (analyze)
        {
            DocumentPostings.Build(_analyzer, chunks);
        }

        return new BareDocument(
            DocumentId.Derive(CollectionKey.Default, folder, name),
            name,
            new Uri(file).AbsoluteUri,
            document.Title ?? name,
            mediaType,
            content.Length,
            new DateTimeOffset(File.GetLastWriteTimeUtc(file)),
            Convert.ToHexStringLower(SHA256.HashData(content)),
            document.Metadata,
            MetadataEntry.Of(document.Metadata),
            chunks,
            [.. chunks.Where(chunk => _embedded.TryAdd(chunk.ContentHash, true))]
        );
    }
}

/// <summary>What is written of a document.</summary>
/// <param name="Id">As the engine derives it.</param>
/// <param name="Name">Path in the folder.</param>
/// <param name="Uri">Address of the file.</param>
/// <param name="Title">From the text.</param>
/// <param name="MediaType">From name and content.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedAt">The file's time.</param>
/// <param name="Hash">SHA-256 of the bytes.</param>
/// <param name="Metadata">What it says of itself.</param>
/// <param name="Entries">The same, as filters compare it.</param>
/// <param name="Chunks">All chunks.</param>
/// <param name="New">Those that no document before it had: they are embedded.</param>
internal sealed record BareDocument(
    string Id,
    string Name,
    string Uri,
    string Title,
    string MediaType,
    int Size,
    DateTimeOffset ModifiedAt,
    string Hash,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<MetadataEntry> Entries,
    List<ChunkRecord> Chunks,
    List<ChunkRecord> New
)
{
    public static string? Headings(ChunkRecord chunk) =>
        chunk.Headings.Count == 0 ? null : Storage.Internal.StoredValue.Json(chunk.Headings);
}

/// <summary>Where the rows of <see cref="BareIngestion"/> go: one database, whose tables are there and empty.</summary>
internal interface IBareRows : IAsyncDisposable
{
    /// <summary>Documents with their metadata, versions, attempts, chunks and new embeddings, in one transaction. Safe for concurrent use.</summary>
    Task WriteAsync(IReadOnlyList<BareDocument> documents);

    /// <summary>The rows of the lexical index, as the engine left them in another database: nothing is computed.</summary>
    /// <returns>Seconds of the writing.</returns>
    Task<double> CopyLexicalRowsAsync(EnginePlace from);
}
