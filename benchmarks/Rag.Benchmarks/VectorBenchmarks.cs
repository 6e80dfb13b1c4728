using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// The ten nearest of 100,000 vectors of 384 dimensions: the index (int8 in memory, the best rescored from the file, visibility and
/// revision checked), beside a scan of float32 vectors in memory that does nothing else.
/// </summary>
[MemoryDiagnoser]
[Config(typeof(InProcess))]
public class VectorBenchmarks
{
    private const int Count = 100_000;
    private const int Dimensions = 384;
    private const int ChunksInDocument = 20;
    private const string Model = "random";

    private readonly Random _random = new(5);
    private readonly List<float[]> _vectors = [];
    private readonly float[] _query;
    private IndexFile _file = null!;

    public VectorBenchmarks() => _query = RandomVector();

    [GlobalSetup]
    public async Task SetUp()
    {
        _file = new IndexFile();
        await _file.PublishVectorsAsync(
            Enumerable.Range(0, Count / ChunksInDocument).Select(i => ($"{i:D6}", Chunks(i))),
            Model,
            () =>
            {
                _vectors.Add(RandomVector());
                return _vectors[^1];
            }
        );
        await _file.NearestAsync(Model, _query, 10);
    }

    [GlobalCleanup]
    public void CleanUp() => _file.Dispose();

    [Benchmark(Baseline = true, Description = "float32 scan")]
    public int Scan()
    {
        var best = new PriorityQueue<int, float>();
        for (var i = 0; i < _vectors.Count; i++)
        {
            var score = TensorPrimitives.Dot<float>(_vectors[i], _query);
            if (best.Count < 10)
            {
                best.Enqueue(i, score);
            }
            else
            {
                best.EnqueueDequeue(i, score);
            }
        }

        return best.Count;
    }

    [Benchmark(Description = "int8 and rescoring")]
    public Task<int> Nearest() => _file.NearestAsync(Model, _query, 10);

    private static ChunkRecord[] Chunks(int document) =>
        [
            .. Enumerable
                .Range(0, ChunksInDocument)
                .Select(ordinal => new ChunkRecord
                {
                    Ordinal = ordinal,
                    Start = 0,
                    End = 1,
                    Text = "x",
                    ContentHash = ChunkIdentity.Hash($"{document} {ordinal}"),
                }),
        ];

    private float[] RandomVector()
    {
        var vector = new float[Dimensions];
        for (var i = 0; i < Dimensions; i++)
        {
            vector[i] = (float)(_random.NextDouble() - 0.5);
        }

        TensorPrimitives.Divide(vector, TensorPrimitives.Norm<float>(vector), vector);
        return vector;
    }
}
