using System.Globalization;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- throughput --data FOLDER [--megabytes N] [--store sqlite|postgres] [--rounds N]</c>: a folder through the whole engine with an embedding
/// model that costs nothing, beside the same files read, chunked and written in bulk without an engine: its rows alone, the same with the
/// rows of the lexical index (copied, not made), and the same with the analysis that makes those rows.
/// </summary>
internal static class ThroughputReportCommand
{
    private const int Megabytes = 100;
    private const int WarmUpMegabytes = 4;
    private const int Rounds = 3;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var options = new CommandOptions(arguments, "data", "megabytes", "store", "rounds");
        var data =
            options.Text("data") ?? throw new ArgumentException("--data is missing; expected a folder of text files.");
        var scratch = Directory.CreateTempSubdirectory("slipway-throughput-").FullName;
        try
        {
            var (warmUp, folder) = (Path.Combine(scratch, "few"), Path.Combine(scratch, "all"));
            RepeatedFolder.Make(data, warmUp, WarmUpMegabytes * 1_000_000L);
            var (files, bytes) = RepeatedFolder.Make(data, folder, options.Number("megabytes", Megabytes) * 1_000_000L);
            await RoundAsync(0, warmUp, options.Store, 1); // code is compiled
            Print($"{options.Store}: {files} files, {bytes / 1e6:0} MB\n");
            Console.WriteLine(
                "| round | what | seconds | of processor | MB/s | the engine reaches | managed over idle, MB | resident over idle, MB |"
            );
            Console.WriteLine("|---:|---|---:|---:|---:|---:|---:|---:|");
            for (var round = 1; round <= options.Number("rounds", Rounds); round++)
            {
                await RoundAsync(round, folder, options.Store, bytes);
            }

            return 0;
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static async Task RoundAsync(int round, string folder, string store, long bytes)
    {
        await using var place = await EnginePlace.CreateAsync(store);
        var (engine, report) = await EngineAsync(folder, place);
        Row("engine", engine.Seconds, engine);
        var (bare, lexical) = await BareAsync(folder, store, analyze: false, place, report);
        Row("bare: documents, metadata, versions, attempts, chunks, embeddings", bare.Seconds, bare);
        Row("the same and the lexical rows, copied", bare.Seconds + lexical, bare);
        var (analyzing, lexicalAgain) = await BareAsync(folder, store, analyze: true, place, report);
        Row("the same and the analysis that makes them", analyzing.Seconds + lexicalAgain, analyzing);

        void Row(string what, double seconds, MemoryWatch memory)
        {
            if (round > 0)
            {
                Print(
                    $"| {round} | {what} | {seconds:0.00} | {memory.Processor:0.0} | {bytes / 1e6 / seconds:0.0} | {seconds / engine.Seconds:P0} | {memory.Managed / 1e6:0} | {memory.Resident / 1e6:0} |"
                );
            }
        }
    }

    private static async Task<(MemoryWatch, IngestionReport)> EngineAsync(string folder, EnginePlace place)
    {
        await using var store = await place.OpenAsync();
        using var source = new LocalFolderSource(folder);
        using var model = new FixedVectors();
        var pipeline = store.Pipeline(model);
        IngestionReport report = null!;
        var memory = await MemoryWatch.MeasureAsync(async () =>
            report = await pipeline.RunAsync(source, CollectionKey.Default)
        );
        return report.Errors is []
            ? (memory, report)
            : throw new InvalidOperationException($"{report.Errors[0].Name}: {report.Errors[0].Message}");
    }

    private static async Task<(MemoryWatch, double Lexical)> BareAsync(
        string folder,
        string store,
        bool analyze,
        EnginePlace engine,
        IngestionReport report
    )
    {
        await using var place = await EnginePlace.CreateAsync(store);
        await (await place.OpenAsync()).DisposeAsync(); // tables are made
        await using IBareRows rows =
            store == EngineStore.Postgres ? new PostgresBareRows(place.Name) : new SqliteBareRows(place.Name);
        var counted = (0, 0);
        var memory = await MemoryWatch.MeasureAsync(async () =>
            counted = await new BareIngestion(folder, analyze).RunAsync(rows.WriteAsync)
        );
        return counted == (report.Added, report.Chunks)
            ? (memory, await rows.CopyLexicalRowsAsync(engine))
            : throw new InvalidOperationException($"The engine has {report.Added} and {report.Chunks}, not {counted}.");
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
