using System.Diagnostics;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>What a run tells who watches it: a span for itself, one for each document, and its counts.</summary>
internal sealed class IngestionSpans : IDisposable
{
    private readonly Activity? _run;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TagList _tags;
    private string _outcome = "failed";

    public IngestionSpans(string source, CollectionKey collection, TimeProvider timeProvider)
    {
        (_time, _start) = (timeProvider, timeProvider.GetTimestamp());
        _tags = new TagList { { "slipway.source", source }, { "slipway.collection", collection.Collection } };
        _run = RagTelemetry.Spans.StartActivity(
            "slipway.ingest",
            ActivityKind.Internal,
            default(ActivityContext),
            _tags
        );
    }

    /// <summary>A document is done; its span is drawn now, from when it was taken up.</summary>
    public void Document(Attempt attempt, string outcome, Exception? exception)
    {
        var tags = _tags;
        tags.Add("slipway.outcome", outcome);
        RagTelemetry.Documents.Add(1, tags);
        if (_run is null)
        {
            return;
        }

        tags.Add("slipway.document.id", attempt.Claim.Entry.DocumentId);
        using var span = RagTelemetry.Spans.StartActivity(
            "slipway.ingest.document",
            ActivityKind.Internal,
            _run.Context,
            tags,
            startTime: attempt.StartedAt
        );
        if (exception is not null)
        {
            span.Fail(exception);
        }

        span?.SetEndTime(_time.GetUtcNow().UtcDateTime);
    }

    /// <summary>Documents that the plan itself was done with.</summary>
    public void Planned(int moved, int deleted)
    {
        Add(moved, "moved");
        Add(deleted, "deleted");

        void Add(int count, string outcome)
        {
            if (count > 0)
            {
                var tags = _tags;
                tags.Add("slipway.outcome", outcome);
                RagTelemetry.Documents.Add(count, tags);
            }
        }
    }

    public void Published(int chunks) => RagTelemetry.Chunks.Add(chunks, _tags);

    public void Embedded(int chunks)
    {
        if (chunks > 0)
        {
            RagTelemetry.Embedded.Add(chunks, _tags);
        }
    }

    public void Complete(IngestionReport report)
    {
        _outcome = report.Errors.Count + report.Gaps.Count > 0 ? "incomplete" : "complete";
        _run?.SetTag("slipway.documents.published", report.Added + report.Changed);
        _run?.SetTag("slipway.documents.failed", report.Errors.Count);
        _run?.SetTag("slipway.chunks.embedded", report.Embedded);
    }

    /// <summary>Whoever stops a run, as each deployment does, is no fault of it.</summary>
    public void Cancel() => _outcome = "cancelled";

    public void Fail(Exception exception) => _run.Fail(exception);

    public void Dispose()
    {
        var tags = _tags;
        tags.Add("slipway.outcome", _outcome);
        RagTelemetry.RunDuration.Record(_time.GetElapsedTime(_start).TotalSeconds, tags);
        _run?.SetTag("slipway.outcome", _outcome);
        _run?.Dispose();
    }
}
