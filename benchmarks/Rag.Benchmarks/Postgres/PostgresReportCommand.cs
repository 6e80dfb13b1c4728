using System.Globalization;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- postgres [publish|search] [CHUNKS] [keep]</c>: what publishing and searching cost on PostgreSQL, each beside its baseline in the same
/// run. The server is the one that <c>SLIPWAY_BENCHMARK_POSTGRES</c> names; with
/// <c>keep</c> the database of the searches stays for the next run.
/// </summary>
internal static class PostgresReportCommand
{
    public static async Task<int> RunAsync(string[] options)
    {
        var chunks = options.Select(option => int.TryParse(option, out var number) ? number : 0).DefaultIfEmpty().Max();
        chunks = chunks == 0 ? 100_000 : chunks;
        var all = !options.Contains("publish") && !options.Contains("search");
        if (all || options.Contains("publish"))
        {
            await PublishReport.RunAsync(chunks);
        }

        if (all || options.Contains("search"))
        {
            await SearchReport.RunAsync(chunks, options.Contains("keep"));
        }

        return 0;
    }

    public static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
