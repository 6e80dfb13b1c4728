using System.Diagnostics;
using System.Globalization;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- ingest FOLDER</c>: one cold process, as a user has it. Prints time and peak memory of reading and hashing, of the first
/// ingestion and of a rescan, with their ratios.
/// </summary>
internal static class IngestionReportCommand
{
    public static async Task<int> RunAsync(string folder)
    {
        var data = Directory.CreateTempSubdirectory("slipway-ingest-").FullName;
        try
        {
            using var measurement = new IngestionMeasurement(folder, Path.Combine(data, "ingest.db"));
            Console.WriteLine("| step | seconds | ratio | peak memory of the process, MB | ratio |");
            Console.WriteLine("|---|---|---|---|---|");
            IngestionMeasurement.ReadAndHash(folder); // files into the page cache, code compiled
            var baseline = await StepAsync(
                "read and hash",
                null,
                () => Task.FromResult(IngestionMeasurement.ReadAndHash(folder))
            );
            await StepAsync("ingest", baseline, measurement.RunAsync);
            await StepAsync("rescan after the clock's grain", baseline, measurement.RunAsync);
            await StepAsync("rescan, nothing changed", baseline, measurement.RunAsync);
            return 0;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<(double Seconds, double Bytes)> StepAsync<T>(
        string name,
        (double Seconds, double Bytes)? baseline,
        Func<Task<T>> step
    )
    {
        var start = TimeProvider.System.GetTimestamp();
        await step();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        using var process = Process.GetCurrentProcess();
        var (seconds1, bytes1) = baseline ?? (seconds, process.PeakWorkingSet64);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {seconds:0.000} | {seconds / seconds1:0.0} | {process.PeakWorkingSet64 / 1e6:0} | {process.PeakWorkingSet64 / bytes1:0.0} |"
            )
        );
        return (seconds, process.PeakWorkingSet64);
    }
}
