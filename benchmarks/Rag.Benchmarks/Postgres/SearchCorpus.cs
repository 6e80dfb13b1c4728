using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Tests;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// Documents of 20 chunks: Zipf-distributed words, 170 a chunk, and vectors of 384 dimensions in clusters (topics, documents, chunks).
/// </summary>
internal sealed class SearchCorpus
{
    public const string Model = "clustered;384";
    public const int Dimensions = 384;
    public const int ChunksEach = 20;

    private readonly ClusteredVectors _vectors;
    private readonly SyntheticText _text;

    public SearchCorpus(int chunks, int seed = 1)
    {
        _text = new SyntheticText(seed);
        _vectors = new ClusteredVectors(seed, Dimensions, topics: 500);
        Documents =
        [
            .. Enumerable
                .Range(0, chunks / ChunksEach)
                .Select(i => new SearchDocument($"{i:D6}", _text.Document(ChunksEach), _vectors.Document(ChunksEach))),
        ];
    }

    public IReadOnlyList<SearchDocument> Documents { get; }

    public int Chunks => Documents.Count * ChunksEach;

    /// <summary>Questions: words as a text has them, and a vector beside that of a chunk.</summary>
    public (string Text, float[] Vector)[] Questions(int count)
    {
        var random = new Random(7);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ =>
                    (
                        _text.NaturalQuestion(),
                        _vectors.Question(Documents[random.Next(Documents.Count)].Vectors[random.Next(ChunksEach)])
                    )
                ),
        ];
    }
}

/// <summary>A document with its vectors.</summary>
internal sealed record SearchDocument(string Name, ChunkRecord[] Chunks, float[][] Vectors)
{
    public string Id { get; } = DocumentId.Derive(CollectionKey.Default, "benchmark", Name);

    public DocumentPublication Publication =>
        new()
        {
            Collection = CollectionKey.Default,
            Source = "benchmark",
            Document = new SourceDocument { ExternalId = Name, Name = Name },
            BaseVersion = 0,
            MediaType = "text/plain",
            Title = Name,
            Size = Chunks.Sum(chunk => chunk.Text.Length),
            SeenAt = DateTimeOffset.UnixEpoch,
            ContentHash = ChunkIdentity.Hash(Name),
            PipelineFingerprint = "benchmark",
            Metadata = new Dictionary<string, string>(0),
            Chunks = Chunks,
            EmbeddingModel = SearchCorpus.Model,
        };

    public IReadOnlyList<(string ContentHash, ReadOnlyMemory<float> Vector)> Embeddings =>
        [.. Chunks.Zip(Vectors, (chunk, vector) => (chunk.ContentHash, (ReadOnlyMemory<float>)vector))];
}
