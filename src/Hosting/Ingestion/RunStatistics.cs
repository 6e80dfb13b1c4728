using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting.Ingestion;

/// <summary>What a single run has done, over all sources, in the older system's words.</summary>
internal sealed class RunStatistics(TimeProvider timeProvider)
{
    private readonly long _start = timeProvider.GetTimestamp();

    public int FilesProcessed { get; private set; }

    public int FilesDeleted { get; private set; }

    public int Errors { get; private set; }

    /// <summary>Seconds spent in the sources' passes.</summary>
    public double Duration { get; private set; }

    /// <summary>Seconds since the run began.</summary>
    public double TotalDuration => timeProvider.GetElapsedTime(_start).TotalSeconds;

    public bool Initialized { get; } = true;

    public string RunMode { get; } = "single";

    [JsonIgnore]
    public int ExitCode { get; private set; }

    public void Add(IngestionReport report)
    {
        FilesProcessed += report.Added + report.Changed + report.Moved;
        FilesDeleted += report.Deleted;
        Errors += report.Errors.Count + report.Gaps.Count;
        Duration += report.Duration.TotalSeconds;
        if (report.Errors.Count + report.Gaps.Count > 0)
        {
            AddFailure(1, count: 0);
        }
    }

    /// <summary>A wrong setting outweighs a refused credential, and that one what may pass by itself.</summary>
    public void AddFailure(int exitCode, int count = 1)
    {
        Errors += count;
        ExitCode = exitCode == 2 || ExitCode == 2 ? 2 : Math.Max(exitCode, ExitCode);
    }

    public string ToJson() => JsonSerializer.Serialize(this, RunStatisticsJsonContext.Default.RunStatistics);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunStatistics))]
internal sealed partial class RunStatisticsJsonContext : JsonSerializerContext;
