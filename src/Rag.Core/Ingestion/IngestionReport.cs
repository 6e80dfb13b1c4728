using System.Text.Json;
using System.Text.Json.Serialization;

namespace Slipway.Rag.Ingestion;

/// <summary>What a run did.</summary>
public sealed record IngestionReport
{
    /// <summary>The source.</summary>
    public required string Source { get; init; }

    /// <summary>New documents published.</summary>
    public int Added { get; init; }

    /// <summary>Documents published in a new version.</summary>
    public int Changed { get; init; }

    /// <summary>Documents that were moved or renamed; nothing was embedded for them.</summary>
    public int Moved { get; init; }

    /// <summary>Documents that are as they were, those with a new time included.</summary>
    public int Unchanged { get; init; }

    /// <summary>Documents deleted.</summary>
    public int Deleted { get; init; }

    /// <summary>Deletions that were held back because too many documents vanished at once.</summary>
    public int HeldDeletes { get; init; }

    /// <summary>Documents newly found to be of a format that no reader reads.</summary>
    public int Skipped { get; init; }

    /// <summary>Documents that failed earlier and rest: quarantined, unsupported, or waiting for their retry.</summary>
    public int Resting { get; init; }

    /// <summary>Chunks of the documents published.</summary>
    public int Chunks { get; init; }

    /// <summary>Chunks that had to be embedded; the rest were known.</summary>
    public int Embedded { get; init; }

    /// <summary>Tokens of what was embedded, estimated.</summary>
    public long EmbeddedTokens { get; init; }

    /// <summary>What that cost at <see cref="IngestionOptions.EmbeddingPrice"/>; null without a price.</summary>
    public decimal? EmbeddingCost { get; init; }

    /// <summary>
    /// The setting that ended the run before everything was done: <c>MaxRunTime</c> or <c>MaxRunCost</c>; null when nothing is left for the
    /// next run.
    /// </summary>
    public string? Stopped { get; init; }

    /// <summary>Bytes read.</summary>
    public long Bytes { get; init; }

    /// <summary>Documents that failed in this run, and why.</summary>
    public IReadOnlyList<DocumentError> Errors { get; init; } = [];

    /// <summary>Parts of the source that could not be listed.</summary>
    public IReadOnlyList<string> Gaps { get; init; } = [];

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    internal string ToJson() => JsonSerializer.Serialize(this, IngestionJsonContext.Default.IngestionReport);
}

/// <summary>A document that failed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Class">What can be done about it.</param>
/// <param name="Message">What happened, for people.</param>
public sealed record DocumentError(string Name, ErrorClass Class, string Message);

/// <summary>How far a run is.</summary>
/// <param name="Done">Documents looked at.</param>
/// <param name="Total">Documents to look at.</param>
/// <param name="Name">The document that was just finished; null before the first.</param>
public readonly record struct IngestionProgress(int Done, int Total, string? Name);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(IngestionReport))]
internal sealed partial class IngestionJsonContext : JsonSerializerContext;
