using System.Globalization;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Retrieval.Evaluation;

/// <summary>What the command line asks for.</summary>
internal sealed record EvaluationOptions(string Data)
{
    public const string Usage = """
        Usage: dotnet run --project benchmarks/Retrieval.Evaluation -- --data FOLDER [options]
          --data FOLDER    a data set in BEIR form, or a folder of such folders
          --store NAME     sqlite (the default), postgres, or both, which compares their results; PostgreSQL is the server that
                           SLIPWAY_BENCHMARK_POSTGRES names
          --textbook       show BM25 by the book on the same terms beside it
          --chunked        cut documents with the default chunker; a document scores as its best chunk
          --k1 N --b N     constants of BM25 (0.9 and 0.4)
          --analyzer NAME  english/1, english-all-words/1, english-unstemmed/1, plain/1
        """;

    public IReadOnlyList<StoreKind> Stores { get; private set; } = [StoreKind.Sqlite];

    public bool Textbook { get; private set; }

    public bool Chunked { get; private set; }

    public Bm25Options Bm25 { get; private set; } = new();

    public AnalyzerOptions Analyzer { get; private set; } = AnalyzerOptions.English;

    public static EvaluationOptions? Parse(string[] args, out string? problem)
    {
        var options = new EvaluationOptions("");
        problem = null;
        try
        {
            for (var i = 0; i < args.Length; i++)
            {
                options = args[i] switch
                {
                    "--data" => options with { Data = args[++i] },
                    "--store" => options with { Stores = ParseStores(args[++i]) },
                    "--textbook" => options with { Textbook = true },
                    "--chunked" => options with { Chunked = true },
                    "--k1" => options with { Bm25 = options.Bm25 with { K1 = Number(args[++i]) } },
                    "--b" => options with { Bm25 = options.Bm25 with { B = Number(args[++i]) } },
                    "--analyzer" => options with { Analyzer = AnalyzerOptions.Parse(args[++i]) },
                    _ => throw new FormatException($"Unknown option '{args[i]}'."),
                };
            }
        }
        catch (Exception exception) when (exception is FormatException or SlipwayException)
        {
            problem = exception.Message;
        }
        catch (IndexOutOfRangeException)
        {
            problem = $"'{args[^1]}' needs a value.";
        }

        if (
            options.Stores.Contains(StoreKind.Postgres)
            && Environment.GetEnvironmentVariable(EvaluationStore.Variable) is null
        )
        {
            problem ??= $"{EvaluationStore.Variable} names no server.";
        }

        problem ??= Directory.Exists(options.Data) ? null : $"--data names no folder: '{options.Data}'.";
        return problem is null ? options : null;
    }

    private static IReadOnlyList<StoreKind> ParseStores(string name) =>
        name switch
        {
            "sqlite" => [StoreKind.Sqlite],
            "postgres" => [StoreKind.Postgres],
            "both" => [StoreKind.Sqlite, StoreKind.Postgres],
            _ => throw new FormatException($"Unknown store '{name}'."),
        };

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
