using System.Diagnostics;
using System.Globalization;
using System.IO.Enumeration;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- rescan [FILES]</c>: what it costs to look at a folder in which nothing changed. Prints time and memory of bare walks over a tree of
/// small files and of <see cref="LocalFolderSource"/>'s listing, all warm, with their ratios.
/// </summary>
internal static class RescanReportCommand
{
    private const int FilesInFolder = 100;
    private const int FoldersInFolder = 30;

    /// <summary>The machine is shared: the fastest of several rounds is the one that was disturbed least.</summary>
    private const int Rounds = 7;

    public static async Task<int> RunAsync(int files)
    {
        var folder = Directory.CreateTempSubdirectory("slipway-rescan-").FullName;
        try
        {
            Fill(folder, files);
            using var source = new LocalFolderSource(folder);
            (string Name, Func<Task<int>> Walk)[] walks =
            [
                ("walk, FileInfo length and time", () => Task.FromResult(WalkFileInfo(folder))),
                ("walk, length and time without objects", () => Task.FromResult(WalkEntries(folder))),
                ("LocalFolderSource.ListAsync", () => ListAsync(source)),
            ];
            var fastest = new (double Seconds, long Allocated)[walks.Length];
            Array.Fill(fastest, (double.MaxValue, 0));
            for (var round = 0; round < Rounds; round++) // in turn, so that what disturbs one disturbs all
            {
                for (var i = 0; i < walks.Length; i++)
                {
                    var measured = await MeasureAsync(walks[i].Walk, files);
                    fastest[i] = measured.Seconds < fastest[i].Seconds ? measured : fastest[i];
                }
            }

            using var process = Process.GetCurrentProcess();
            Console.WriteLine("| step | seconds | ratio | allocated, MB |");
            Console.WriteLine("|---|---|---|---|");
            for (var i = 0; i < walks.Length; i++)
            {
                Print(
                    $"| {walks[i].Name} | {fastest[i].Seconds:0.000} | {fastest[i].Seconds / fastest[0].Seconds:0.00} | {fastest[i].Allocated / 1e6:0.0} |"
                );
            }

            Print($"\n{files} files; peak memory of the process {process.PeakWorkingSet64 / 1e6:0} MB");
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Fill(string folder, int files)
    {
        for (var i = 0; i < files; i++)
        {
            var number = i / FilesInFolder;
            var path = Path.Combine(folder, $"part-{number / FoldersInFolder:000}", $"section-{number:00000}");
            if (i % FilesInFolder == 0)
            {
                Directory.CreateDirectory(path);
            }

            File.WriteAllText(Path.Combine(path, $"document-{i:000000}.md"), "text");
        }
    }

    private static async Task<(double Seconds, long Allocated)> MeasureAsync(Func<Task<int>> walk, int files)
    {
        GC.Collect();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var start = TimeProvider.System.GetTimestamp();
        var found = await walk();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        return found == files
            ? (seconds, GC.GetTotalAllocatedBytes(precise: true) - allocated)
            : throw new InvalidOperationException($"{found} files were found of {files}.");
    }

    private static int WalkFileInfo(string folder)
    {
        var (files, checksum) = (0, 0L);
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            files++;
            checksum += file.Length + file.LastWriteTimeUtc.Ticks;
        }

        return checksum == 0 ? 0 : files;
    }

    private static int WalkEntries(string folder)
    {
        var (files, checksum) = (0, 0L);
        var walk = new FileSystemEnumerable<long>(
            folder,
            static (ref FileSystemEntry entry) => entry.Length + entry.LastWriteTimeUtc.Ticks,
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }
        )
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => !entry.IsDirectory,
        };
        foreach (var fact in walk)
        {
            files++;
            checksum += fact;
        }

        return checksum == 0 ? 0 : files;
    }

    private static async Task<int> ListAsync(LocalFolderSource source)
    {
        var files = 0;
        await foreach (var item in source.ListAsync())
        {
            files += item is SourceDocument { Size: > 0, ModifiedAt: not null } ? 1 : 0;
        }

        return files;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
