using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Slipway.Rag;

/// <summary>
/// The names under which ingestion and retrieval report: <c>AddSource(RagTelemetry.Name)</c> and <c>AddMeter(RagTelemetry.Name)</c> of
/// OpenTelemetry. Nobody listening, they cost nothing.
/// </summary>
/// <remarks>
/// Spans and metrics carry names of sources and collections, ids of documents and classes of errors; never text, a query or a file's name.
/// Tokens are counted by who calls the model.
/// </remarks>
public static class RagTelemetry
{
    /// <summary>Name of the source of spans and of the meter.</summary>
    public const string Name = "Slipway.Rag";

    internal static ActivitySource Spans { get; } = new(Name);

    private static readonly Meter Meter = new(Name);

    internal static Counter<long> Documents { get; } =
        Meter.CreateCounter<long>(
            "slipway.ingestion.documents",
            "{document}",
            "Documents that a run was done with, by outcome."
        );

    internal static Counter<long> Chunks { get; } =
        Meter.CreateCounter<long>("slipway.ingestion.chunks", "{chunk}", "Chunks published.");

    internal static Counter<long> Embedded { get; } =
        Meter.CreateCounter<long>("slipway.ingestion.embedded", "{chunk}", "Chunks that had to be embedded.");

    internal static Histogram<double> RunDuration { get; } =
        Meter.CreateHistogram<double>("slipway.ingestion.run.duration", "s", "How long runs take.");

    internal static Histogram<double> RetrievalDuration { get; } =
        Meter.CreateHistogram<double>(
            "slipway.retrieval.duration",
            "s",
            "How long retrieval takes, the query's embedding included."
        );

    /// <summary>A span's end by an exception, as the semantic conventions have it.</summary>
    internal static void Fail(this Activity? span, Exception exception)
    {
        span?.SetTag(
            "error.type",
            exception is SlipwayException known ? known.Class.ToString() : exception.GetType().FullName
        );
        span?.SetStatus(ActivityStatusCode.Error);
    }
}
