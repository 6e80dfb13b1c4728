using System.Diagnostics;
using System.Globalization;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- scaling [DOCUMENTS] [--workers 1,2,4,8] [--milliseconds N] [--rounds N]</c>: documents a second of several processes that work on
/// one source in PostgreSQL, so many documents for each, with an embedding model that takes its time in every call. A document is one
/// chunk and one call, its words as frequent as in natural language. The plan is written before the clock starts; code is compiled in
/// every process.
/// </summary>
internal static class ScalingReportCommand
{
    private const int DocumentsEach = 600;
    private const int Milliseconds = 50;
    private const int Rounds = 2;
    private const int WarmUpDocuments = 400; // code is optimised after some thirty calls
    private const int AppliedAtOnce = 500;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var options = new CommandOptions(
            arguments,
            "documents",
            "workers",
            "milliseconds",
            "rounds",
            "folder",
            "database"
        );
        var delay = TimeSpan.FromMilliseconds(options.Number("milliseconds", Milliseconds));
        if (options.Text("folder") is { } folder && options.Text("database") is { } database)
        {
            await WorkAsync(folder, database, delay);
            return 0;
        }

        var concurrency = new IngestionOptions().MaxConcurrency;
        Print(
            $"{Environment.ProcessorCount} cores for the workers, the database and whatever else runs; a worker has {concurrency} documents in hand, so at {delay.TotalMilliseconds:0} ms a call it cannot do more than {concurrency / delay.TotalSeconds:0} a second\n"
        );
        Console.WriteLine(
            "| round | workers | documents | seconds | documents/s | of linear | cores that the workers used | machine busy |"
        );
        Console.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|");
        for (var round = 1; round <= options.Number("rounds", Rounds); round++)
        {
            var alone = 0.0;
            foreach (var workers in Workers(options))
            {
                var documents = workers * options.Number("documents", DocumentsEach);
                var before = ProcessorTime.Now();
                var (seconds, used) = await MeasureAsync(workers, documents, delay);
                var rate = documents / seconds;
                alone = alone == 0 ? rate / workers : alone;
                Print(
                    $"| {round} | {workers} | {documents} | {seconds:0.0} | {rate:0} | {rate / alone / workers:P0} | {used / seconds:0.00} | {ProcessorTime.Now().ShareSince(before)} |"
                );
            }
        }

        return 0;
    }

    private static async Task<(double Seconds, double Used)> MeasureAsync(int workers, int documents, TimeSpan delay)
    {
        var scratch = Directory.CreateTempSubdirectory("slipway-scaling-").FullName;
        try
        {
            var folder = Path.Combine(scratch, "all");
            Fill(folder, documents);
            Fill(WarmUp(folder), WarmUpDocuments);
            await using var place = await EnginePlace.CreateAsync(EngineStore.Postgres);
            await PlanAsync(folder, place);
            var processes = Enumerable
                .Range(0, workers)
                .Select(_ =>
                    ChildProcess.Start(
                        [
                            .. (string[])["scaling", "--folder", folder, "--database", place.Name],
                            .. (string[])["--milliseconds", $"{delay.TotalMilliseconds:0}"],
                        ],
                        talks: true
                    )
                )
                .ToList();
            await Task.WhenAll(processes.Select(process => process.StandardOutput.ReadLineAsync())); // ready
            var start = TimeProvider.System.GetTimestamp();
            processes.ForEach(process => process.StandardInput.WriteLine());
            var lines = await Task.WhenAll(processes.Select(process => process.StandardOutput.ReadLineAsync()));
            var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
            var done = lines.Select(line => (line ?? "").Split(' ')).ToList();
            processes.ForEach(process => process.Dispose());
            return done.Sum(one => int.Parse(one[0], CultureInfo.InvariantCulture)) == documents
                ? (seconds, done.Sum(one => double.Parse(one[1], CultureInfo.InvariantCulture)))
                : throw new InvalidOperationException(
                    $"Of {documents} documents were published: {string.Join('+', lines)}"
                );
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>Everything is due: otherwise those who do not plan would find nothing to do and be gone.</summary>
    private static async Task PlanAsync(string folder, EnginePlace place)
    {
        await using var store = await place.OpenAsync();
        using var source = new LocalFolderSource(folder);
        var listed = await source.ListAsync().OfType<SourceDocument>().ToListAsync();
        foreach (var due in listed.Chunk(AppliedAtOnce))
        {
            await store.Queue.ApplyAsync(
                new PlannedChanges
                {
                    Collection = CollectionKey.Default,
                    Source = source.Name,
                    Due = due,
                }
            );
        }
    }

    /// <summary>One of the workers: says when it is ready, waits for a line, and says what it did.</summary>
    private static async Task WorkAsync(string folder, string database, TimeSpan delay)
    {
        await using var store = await EnginePlace.OpenAsync(EngineStore.Postgres, database);
        using var process = Process.GetCurrentProcess();
        var own = new CollectionKey(Principal.Local.Tenant, $"warm-up {Environment.ProcessId}");
        using (var few = new LocalFolderSource(WarmUp(folder)))
        using (var quick = new FixedVectors())
        {
            await store.Pipeline(quick, OneByOne).RunAsync(few, own);
        }

        using var source = new LocalFolderSource(folder);
        using var model = new FixedVectors(delay);
        var pipeline = store.Pipeline(model, OneByOne);
        Console.WriteLine("ready");
        Console.ReadLine();
        process.Refresh();
        var before = process.TotalProcessorTime;
        var report = await pipeline.RunAsync(source, CollectionKey.Default);
        process.Refresh();
        if (model.Calls < report.Added || report.Errors.Count > 0)
        {
            throw new InvalidOperationException(
                $"{report.Added} documents, {model.Calls} calls, {report.Errors.Count} errors"
            );
        }

        Print($"{report.Added} {(process.TotalProcessorTime - before).TotalSeconds}");
    }

    private static IngestionOptions OneByOne => new() { EmbeddingBatchSize = 1 };

    private static string WarmUp(string folder) => folder + "-warm-up";

    private static IEnumerable<int> Workers(CommandOptions options) =>
        (options.Text("workers") ?? "1,2,4,8")
            .Split(',')
            .Select(count => int.Parse(count, CultureInfo.InvariantCulture));

    private static void Fill(string folder, int documents)
    {
        Directory.CreateDirectory(folder);
        var words = new SyntheticText(seed: documents);
        for (var i = 0; i < documents; i++)
        {
            File.WriteAllText(
                Path.Combine(folder, $"{i:00000}.md"),
                $"# Document {i} of {documents}\n\n{words.Document(chunks: 1)[0].Text}\n"
            );
        }
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
