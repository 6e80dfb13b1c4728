using BenchmarkDotNet.Attributes;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// 890 documents of 11 chunks into an empty index, a transaction for each as the engine publishes them, and one merge at the end; beside
/// FTS5 with the same transactions.
/// </summary>
[Config(typeof(InProcess.LongOperations))]
[MemoryDiagnoser]
public class IndexingBenchmarks
{
    private (string Id, ChunkRecord[] Chunks)[] _documents = null!;
    private IndexFile _file = null!;

    [GlobalSetup]
    public void SetUp()
    {
        var text = new SyntheticText(1);
        _documents = [.. Enumerable.Range(0, 890).Select(i => ($"{i:D6}", text.Document(11)))];
    }

    [IterationSetup]
    public void Open() => _file = new IndexFile();

    [IterationCleanup]
    public void Close() => _file.Dispose();

    [Benchmark(Baseline = true, Description = "FTS5")]
    public void Fts() => _file.PublishFts(_documents.Select(document => document.Chunks));

    [Benchmark(Description = "publish and merge")]
    public async Task PublishAndMerge()
    {
        await _file.PublishAsync(_documents);
        await _file.Index.MergeAsync(CollectionKey.Default);
    }

    [Benchmark(Description = "publish alone")]
    public Task Publish() => _file.PublishAsync(_documents);
}
