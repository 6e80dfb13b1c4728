using System.Globalization;

namespace Slipway.Rag.Benchmarks;

/// <summary>How busy the whole machine is, others' work included; Linux says so.</summary>
/// <param name="Busy">In the system's ticks, since it started.</param>
/// <param name="Total">The same with the idle ones.</param>
internal readonly record struct ProcessorTime(long Busy, long Total)
{
    private const string Statistics = "/proc/stat";

    public static ProcessorTime Now()
    {
        if (!File.Exists(Statistics))
        {
            return default;
        }

        var fields = File.ReadLines(Statistics).First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1);
        var ticks = fields.Take(8).Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return new ProcessorTime(ticks.Sum() - ticks[3] - ticks[4], ticks.Sum()); // idle, and waiting for a disk
    }

    public string ShareSince(ProcessorTime earlier) =>
        Total == earlier.Total
            ? "?"
            : ((double)(Busy - earlier.Busy) / (Total - earlier.Total)).ToString("P0", CultureInfo.InvariantCulture);
}
