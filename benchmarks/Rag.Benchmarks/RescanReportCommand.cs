using System.Globalization;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- rescan [FILES] [--store sqlite|postgres] [--rounds N]</c>: what it costs to look at a folder in which nothing changed. A tree of small
/// files is ingested once; then a new process prints time and memory of bare walks over it, of the listing, of the ledger, and of the whole
/// engine, all warm, with their ratios to the first walk.
/// </summary>
internal static class RescanReportCommand
{
    private const int FilesInFolder = 100;
    private const int FoldersInFolder = 30;

    /// <summary>The machine is shared: the fastest of several rounds is the one that was disturbed least.</summary>
    private const int Rounds = 7;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var options = new CommandOptions(arguments, "files", "store", "rounds", "folder", "database");
        var files = options.Number("files", 100_000);
        var rounds = options.Number("rounds", Rounds);
        if (options.Text("folder") is { } tree && options.Text("database") is { } database)
        {
            await MeasureAsync(tree, files, options.Store, database, rounds);
            return 0;
        }

        var folder = Directory.CreateTempSubdirectory("slipway-rescan-").FullName;
        try
        {
            Fill(folder, files);
            await using var place = await EnginePlace.CreateAsync(options.Store);
            await IngestAsync(folder, files, place);
            // What was ingested shall not be in the memory of who looks again.
            using var child = ChildProcess.Start([
                .. (string[])["rescan", $"{files}", "--rounds", $"{rounds}", "--store", place.Store],
                .. (string[])["--folder", folder, "--database", place.Name],
            ]);
            await child.WaitForExitAsync();
            return child.ExitCode;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Fill(string folder, int files)
    {
        // Long ago: a file that was written just before it is read is read once more.
        var written = TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-1);
        for (var i = 0; i < files; i++)
        {
            var number = i / FilesInFolder;
            var path = Path.Combine(folder, $"part-{number / FoldersInFolder:000}", $"section-{number:00000}");
            if (i % FilesInFolder == 0)
            {
                Directory.CreateDirectory(path);
            }

            var file = Path.Combine(path, $"document-{i:000000}.md");
            File.WriteAllText(file, $"# Document {i}\n\nIts text is as short as its title.\n");
            File.SetLastWriteTimeUtc(file, written);
        }
    }

    private static async Task IngestAsync(string folder, int files, EnginePlace place)
    {
        await using var store = await place.OpenAsync();
        using var source = new LocalFolderSource(folder);
        IngestionReport report = null!;
        var memory = await MemoryWatch.MeasureAsync(async () =>
            report = await store.Pipeline().RunAsync(source, CollectionKey.Default)
        );
        Require(report.Added, files);
        Print(
            $"{place.Store}: {files} files ingested in {memory.Seconds:0.0} s, {files / memory.Seconds:0} files/s, at most {memory.Resident / 1e6:0} MB over the idle process; {await place.SizeAsync()}\n"
        );
    }

    private static async Task MeasureAsync(string folder, int files, string storeName, string database, int rounds)
    {
        await using var store = await EnginePlace.OpenAsync(storeName, database);
        using var source = new LocalFolderSource(folder);
        var pipeline = store.Pipeline();
        (string Name, Func<Task<int>> Work)[] steps =
        [
            ("walk, FileInfo length and time", () => Task.FromResult(BareWalk.FileInfos(folder))),
            ("walk, length and time without objects", () => Task.FromResult(BareWalk.Entries(folder))),
            ("LocalFolderSource.ListAsync", () => CountAsync(source.ListAsync(), IsListed)),
            (
                "IDocumentStore.ReadLedgerAsync",
                () => CountAsync(store.Documents.ReadLedgerAsync(CollectionKey.Default, source.Name), IsPublished)
            ),
            (
                "IngestionPipeline.PlanAsync: both compared",
                async () => (await pipeline.PlanAsync(source, CollectionKey.Default)).Unchanged
            ),
            (
                "IngestionPipeline.RunAsync, nothing changed",
                async () => (await pipeline.RunAsync(source, CollectionKey.Default)).Unchanged
            ),
        ];
        var all = steps.Select(_ => new List<MemoryWatch>()).ToArray();
        for (var round = 0; round <= rounds; round++) // in turn, so that what disturbs one disturbs all; the first only compiles
        {
            for (var i = 0; i < steps.Length; i++)
            {
                var found = 0;
                var measured = await MemoryWatch.MeasureAsync(async () => found = await steps[i].Work());
                Require(found, files);
                if (round > 0)
                {
                    all[i].Add(measured);
                }
            }
        }

        Console.WriteLine(
            "| step | fastest s | ratio | median s | ratio | allocated, MB | managed over idle, MB | resident over idle, MB |"
        );
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|---:|");
        var (fastest, median) = (all[0].Min(one => one.Seconds), Median(all[0]));
        for (var i = 0; i < steps.Length; i++)
        {
            var (least, middle) = (all[i].Min(one => one.Seconds), Median(all[i]));
            Print(
                $"| {steps[i].Name} | {least:0.000} | {least / fastest:0.00} | {middle:0.000} | {middle / median:0.00} | {all[i].Max(one => one.Allocated) / 1e6:0.0} | {all[i].Max(one => one.Managed) / 1e6:0.0} | {all[i].Max(one => one.Resident) / 1e6:0.0} |"
            );
        }

        Print(
            $"\n{files} files, {rounds} rounds; memory is the most of all rounds. The process had at most {all.Max(step => step.Max(one => one.Peak)) / 1e6:0} MB."
        );
    }

    private static bool IsListed(SourceItem item) => item is SourceDocument { Size: > 0, ModifiedAt: not null };

    private static bool IsPublished(LedgerEntry entry) => entry.State == DocumentState.Published;

    private static async Task<int> CountAsync<T>(IAsyncEnumerable<T> items, Func<T, bool> counts)
    {
        var count = 0;
        await foreach (var item in items)
        {
            count += counts(item) ? 1 : 0;
        }

        return count;
    }

    private static double Median(List<MemoryWatch> rounds) =>
        rounds.Select(one => one.Seconds).Order().ElementAt(rounds.Count / 2);

    private static void Require(int found, int files)
    {
        if (found != files)
        {
            throw new InvalidOperationException($"{found} files were found of {files}.");
        }
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
