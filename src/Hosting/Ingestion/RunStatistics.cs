using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Hosting.Startup;
using Slipway.Rag.Ingestion;

namespace Slipway.Hosting.Ingestion;

/// <summary>What a single run has done, over all sources, in the older system's words.</summary>
internal sealed class RunStatistics(PipelineType pipeline, TimeProvider timeProvider)
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

    public string PipelineType { get; } = pipeline == Hosting.PipelineType.GoogleDrive ? "google_drive" : "local";

    public string RunMode { get; } = "single";

    /// <summary>Why a source could not be read; of several the first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ErrorMessage { get; private set; }

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
            Fail(1);
        }
    }

    public void AddFailure(Failure failure)
    {
        Errors++;
        ErrorMessage ??= string.Join(" ", failure.Messages);
        Fail(failure.ExitCode);
    }

    public string ToJson() => JsonSerializer.Serialize(this, RunStatisticsJsonContext.Default.RunStatistics);

    /// <summary>A wrong setting outweighs a refused credential, and that one what may pass by itself.</summary>
    private void Fail(int exitCode) => ExitCode = exitCode == 2 || ExitCode == 2 ? 2 : Math.Max(exitCode, ExitCode);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RunStatistics))]
internal sealed partial class RunStatisticsJsonContext : JsonSerializerContext;
