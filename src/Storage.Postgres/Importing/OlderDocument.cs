using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Importing;

/// <summary>One file of the older system, put together from its rows.</summary>
/// <param name="id">Its file id: an absolute path, an id of Google Drive, or one that was made up for a chunk without.</param>
internal sealed class OlderDocument(string id)
{
    /// <summary>Stands for what read and cut the text. No pipeline of ours has it, so whoever lists the document reads it again.</summary>
    public const string Fingerprint = "imported-1";

    private static readonly string[] Known =
    [
        "file_id",
        "file_url",
        "file_title",
        "mime_type",
        "chunk_index",
        "file_contents",
    ];

    private readonly List<(string Text, float[]? Vector)> _chunks = [];
    private readonly List<Dictionary<string, string?>> _rows = [];
    private readonly List<string> _columns = [];
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private string? _title;
    private string? _url;
    private string? _mediaType;

    public string Id { get; } = id;

    public bool IsEmpty => _chunks.Count == 0 && _rows.Count == 0;

    public int Rows => _rows.Count;

    public void AddHead(string? title, string? url, string? schema)
    {
        (_title, _url) = (title, url);
        foreach (var column in Columns(schema))
        {
            AddColumn(column);
        }
    }

    public void AddChunk(string text, string? metadata, float[]? vector)
    {
        _chunks.Add((StorableText.Of(text), vector));
        if (metadata is null)
        {
            return;
        }

        using var document = JsonDocument.Parse(metadata);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        _title ??= Text(document.RootElement, "file_title");
        _url ??= Text(document.RootElement, "file_url");
        _mediaType ??= Text(document.RootElement, "mime_type");
        foreach (var property in document.RootElement.EnumerateObject().Where(p => !Known.Contains(p.Name)))
        {
            _metadata.TryAdd(property.Name, Text(property.Value) ?? "");
        }
    }

    public void AddRow(string json)
    {
        Dictionary<string, string?> row = new(StringComparer.Ordinal);
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in document.RootElement.EnumerateObject())
            {
                AddColumn(property.Name);
                row[property.Name] = Text(property.Value);
            }
        }

        _rows.Add(row);
    }

    /// <summary>What can be embedded from the older vectors: one a text, the first that has a direction.</summary>
    /// <remarks>
    /// The older system embedded a chunk with the white space at its ends, which says nothing; ours is without. The vector is taken over.
    /// </remarks>
    public IReadOnlyList<(string ContentHash, ReadOnlyMemory<float> Vector)> Embeddings(int dimensions) =>
        [
            .. Chunks()
                .Zip(_chunks, (chunk, older) => (chunk.ContentHash, older.Vector))
                .Where(pair =>
                    pair.Vector is { } vector && vector.Length == dimensions && Array.Exists(vector, x => x != 0)
                )
                .DistinctBy(pair => pair.ContentHash)
                .Select(pair => (pair.ContentHash, (ReadOnlyMemory<float>)pair.Vector!)),
        ];

    public int? Dimensions => _chunks.Find(chunk => chunk.Vector is not null).Vector?.Length;

    public DocumentPublication ToPublication(OlderImportOptions options, LedgerEntry? known, DateTimeOffset now)
    {
        var external = ExternalId(options);
        var given = DocumentTitle.Given(_title);
        var name = options.WatchDirectory is null && !IsPath(Id) ? _title ?? external : external;
        return new DocumentPublication
        {
            Collection = options.Collection,
            Source = options.Source,
            Document = new SourceDocument
            {
                ExternalId = external,
                Name = name,
                Title = _title,
                Uri = _url,
            },
            BaseVersion = known?.Version ?? 0,
            DocumentId = known?.DocumentId,
            MediaType = _mediaType ?? "text/plain",
            Title = given ?? DocumentTitle.FromName(Forward(name)),
            IsTitleDerived = given is null,
            Size = _chunks.Sum(chunk => (long)Encoding.UTF8.GetByteCount(chunk.Text)),
            SeenAt = now,
            ContentHash = Hash(),
            PipelineFingerprint = Fingerprint,
            Metadata = _metadata,
            Chunks = Chunks(),
            Tables = _rows.Count == 0 ? [] : [new DataTable(name, _columns, [.. _rows.Select(Cells)])],
            EmbeddingModel = options.EmbeddingModel,
            Analyzer = options.Analyzer,
        };
    }

    /// <summary>Identity in the source: below the watched folder as our own sources have it, else the older id.</summary>
    public string ExternalId(OlderImportOptions options)
    {
        if (options.WatchDirectory is not { } folder)
        {
            return Id;
        }

        var (path, root) = (Forward(Id), Forward(folder).TrimEnd('/') + "/");
        return path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : Id;
    }

    /// <summary>Of everything that is published, so that what an earlier run has published is known again.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (
            var text in new[] { _title, _url, _mediaType }
                .Concat(_metadata.SelectMany(pair => new[] { pair.Key, pair.Value }))
                .Concat(_chunks.Select(chunk => chunk.Text))
                .Concat(_columns)
                .Concat(_rows.SelectMany(Cells))
        )
        {
            hash.AppendData(BitConverter.GetBytes(text?.Length ?? -1));
            hash.AppendData(Encoding.UTF8.GetBytes(text ?? ""));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // The older chunks are windows that follow one another, so together they are the text.
    private List<ChunkRecord> Chunks()
    {
        List<ChunkRecord> chunks = new(_chunks.Count);
        var start = 0;
        foreach (var (text, _) in _chunks)
        {
            chunks.Add(
                new ChunkRecord
                {
                    Ordinal = chunks.Count,
                    Start = start,
                    End = start + text.Length,
                    Text = text,
                    ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input([], null, text)),
                }
            );
            start += text.Length;
        }

        return chunks;
    }

    private string?[] Cells(Dictionary<string, string?> row) =>
        [.. _columns.Select(column => row.GetValueOrDefault(column))];

    private void AddColumn(string column)
    {
        if (!_columns.Contains(column, StringComparer.Ordinal))
        {
            _columns.Add(column);
        }
    }

    private static IEnumerable<string> Columns(string? schema)
    {
        try
        {
            using var document = JsonDocument.Parse(schema ?? "[]");
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(name => Text(name) ?? "")]
                : [];
        }
        catch (JsonException)
        {
            return []; // free text by hand: the rows say their columns themselves
        }
    }

    private static bool IsPath(string text) =>
        text.Contains('/', StringComparison.Ordinal) || text.Contains('\\', StringComparison.Ordinal);

    private static string Forward(string path) => path.Replace('\\', '/');

    private static string? Text(JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) ? Text(value) : null;

    private static string? Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => value.GetString(),
            _ => value.GetRawText(),
        };
}
