using Microsoft.Extensions.Logging;

namespace Slipway.Rag.Ingestion;

public sealed partial class IngestionPipeline
{
    private async ValueTask<IngestionReport> ReportAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        var report = run.Report();
        run.Spans.Complete(report);
        await _store
            .RecordRunAsync(run.Collection, run.Source.Name, run.StartedAt, report.ToJson(), cancellationToken)
            .ConfigureAwait(false);
        LogRun(
            report.Source,
            report.Added,
            report.Changed,
            report.Moved,
            report.Deleted,
            report.Errors.Count,
            report.Duration
        );
        if (report.Stopped is { } setting)
        {
            LogStopped(report.Source, setting);
        }

        if (report.HeldDeletes > 0)
        {
            LogHeldDeletes(report.Source, report.HeldDeletes, nameof(IngestionOptions.AllowMassDelete));
        }

        foreach (var gap in report.Gaps)
        {
            LogGap(report.Source, gap);
        }

        return report;
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Ingested {Source}: {Added} added, {Changed} changed, {Moved} moved, {Deleted} deleted, {Failed} failed in {Duration}"
    )]
    private partial void LogRun(
        string source,
        int added,
        int changed,
        int moved,
        int deleted,
        int failed,
        TimeSpan duration
    );

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Source}: {Count} documents vanished at once; none was deleted. If that is right, set {Setting} for one run"
    )]
    private partial void LogHeldDeletes(string source, int count, string setting);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Source}: {Setting} is reached; the next run goes on with the rest"
    )]
    private partial void LogStopped(string source, string setting);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Source}: a part could not be listed and stays as it was: {Gap}"
    )]
    private partial void LogGap(string source, string gap);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Source} is being planned by another process; this one works on what is due"
    )]
    private partial void LogPlannedElsewhere(string source);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Source}: the lease of the planner was lost to somebody else, who plans anew; the rest of this plan is dropped"
    )]
    private partial void LogPlanLost(string source);
}
