using System.Text;
using BenchmarkDotNet.Attributes;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Benchmarks;

/// <summary>Reading and chunking one document of each format; the baseline only decodes the same bytes.</summary>
[Config(typeof(InProcess))]
[MemoryDiagnoser]
public class ReadingBenchmarks
{
    private static readonly ReadingContext Context = new() { Name = "document", MediaType = MediaTypes.Markdown };

    private readonly StructureChunker structure = new();
    private readonly FixedWindowChunker window = new();
    private byte[] bytes = [];
    private StructuredDocument document = null!;

    [Params("md", "json", "csv", "txt")]
    public string Format { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        bytes = Encoding.UTF8.GetBytes(Sample(Format));
        document = Read().GetAwaiter().GetResult();
    }

    [Benchmark(Baseline = true)]
    public string Decode() => Encoding.UTF8.GetString(bytes);

    [Benchmark]
    public Task<StructuredDocument> Read() =>
        ReaderSet
            .Default.ReadAsync(
                new MemoryStream(bytes),
                Context with
                {
                    MediaType = MediaTypes.Detect("document." + Format, bytes),
                }
            )
            .AsTask();

    [Benchmark]
    public IReadOnlyList<Chunk> ChunkByStructure() => structure.Chunk(document);

    [Benchmark]
    public IReadOnlyList<Chunk> ChunkByWindow() => window.Chunk(document);

    [Benchmark]
    public int CountTokens() => TokenEstimator.Instance.Count(document.Text);

    /// <summary>About 200 KB, the same in every run.</summary>
    private static string Sample(string format)
    {
        var text = new StringBuilder(format == "csv" ? "Part,Price,Note\n" : "");
        var random = new Random(1);
        for (var i = 0; text.Length < 200_000; i++)
        {
            var words = string.Join(
                ' ',
                Enumerable.Range(0, 12).Select(_ => (char)('a' + random.Next(26)) + "word" + random.Next(500))
            );
            text.Append(
                format switch
                {
                    "md" => i % 8 == 0
                        ? $"## Section {i}\n\n"
                        : $"A sentence with {words}. Another one, *{words}*.\n\n",
                    "json" => $"{{\"id\": {i}, \"title\": \"Part {i}\", \"text\": \"{words}\"}}\n",
                    "csv" => $"Part {i},{random.Next(900)},\"{words}, and more\"\n",
                    _ => $"A sentence with {words}. Another one, {words}.\n\n",
                }
            );
        }

        return format == "json"
            ? "[" + text.Replace("\n", ",\n", 0, text.Length).ToString().TrimEnd('\n', ',') + "]"
            : text.ToString();
    }
}
