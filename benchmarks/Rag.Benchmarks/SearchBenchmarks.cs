using BenchmarkDotNet.Attributes;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// The ten best of a collection for a question of six words, beside FTS5's <c>bm25()</c> on the same text. Words are Zipf-distributed,
/// chunks have 170 of them. Every operation is one question, the next of 64.
/// </summary>
[MemoryDiagnoser]
[Config(typeof(InProcess))]
public class SearchBenchmarks
{
    private const int ChunksInDocument = 20;

    private readonly string[][] _questions = Questions();
    private IndexFile _merged = null!;
    private IndexFile _pending = null!;
    private int _next;

    [Params(10_000, 100_000)]
    public int Chunks { get; set; }

    [GlobalSetup]
    public async Task SetUp()
    {
        _merged = new IndexFile();
        _pending = new IndexFile();
        await _merged.PublishAsync(Documents(), together: true);
        await _merged.Index.MergeAsync(CollectionKey.Default);
        _merged.PublishFts(Documents().Select(document => document.Chunks), together: true);

        await _pending.PublishAsync(Documents(), together: true);
        await _pending.Index.MergeAsync(CollectionKey.Default);
        await _pending.PublishAsync(Documents().Take(64));
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _merged.Dispose();
        _pending.Dispose();
    }

    [Benchmark(Baseline = true, Description = "FTS5 bm25()")]
    public int Fts() => _merged.SearchFts(Next(), 10);

    [Benchmark(Description = "merged")]
    public Task<int> Merged() => _merged.SearchAsync(string.Join(' ', Next()), 10);

    [Benchmark(Description = "64 of the documents published again, not merged")]
    public Task<int> Pending() => _pending.SearchAsync(string.Join(' ', Next()), 10);

    private string[] Next() => _questions[_next++ % _questions.Length];

    private IEnumerable<(string Id, ChunkRecord[] Chunks)> Documents()
    {
        var text = new SyntheticText(1);
        return Enumerable.Range(0, Chunks / ChunksInDocument).Select(i => ($"{i:D6}", text.Document(ChunksInDocument)));
    }

    private static string[][] Questions()
    {
        var text = new SyntheticText(2);
        return [.. Enumerable.Range(0, 64).Select(_ => text.Question())];
    }
}
