using Microsoft.Extensions.Logging;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

public sealed partial class IngestionPipeline
{
    private async ValueTask<DocumentContent> OpenAsync(
        IngestionRun run,
        PlannedDocument item,
        CancellationToken cancellationToken
    )
    {
        if (item.Document.Size > _options.MaxBytes)
        {
            throw DocumentContent.TooLarge(item.Document.Name, item.Document.Size.Value, _options.MaxBytes);
        }

        var stream = await run.Source.OpenAsync(item.Document, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var content = await DocumentContent
                .ReadAsync(stream, item.Document, _options.MaxBytes, _time, cancellationToken)
                .ConfigureAwait(false);
            run.AddBytes(content.Length);
            return content;
        }
    }

    /// <summary>Only the time or the name of the source's record changed: noted, nothing else.</summary>
    private bool SameContent(IngestionRun run, PlannedDocument item, Attempt attempt)
    {
        if (
            item.Entry is not { Version: > 0 } entry
            || entry.ContentHash != attempt.Content!.Hash
            || entry.PipelineFingerprint != Fingerprint
        )
        {
            return false;
        }

        run.Seen(entry.DocumentId, item.Document, attempt.Content.ReadAt);
        run.CountUnchanged();
        return true;
    }

    /// <summary>A new document with the content of one that is gone is that one, moved.</summary>
    private bool Moved(IngestionRun run, PlannedDocument item, Attempt attempt)
    {
        if (item.Entry is not null || run.TakeMoved(attempt.Content!.Hash, Fingerprint) is not { } entry)
        {
            return false;
        }

        run.Seen(entry.DocumentId, item.Document, attempt.Content.ReadAt);
        run.CountMoved();
        return true;
    }

    private async ValueTask<StructuredDocument> ReadAsync(
        PlannedDocument item,
        Attempt attempt,
        CancellationToken cancellationToken
    )
    {
        var content = attempt.Content!;
        attempt.MediaType = MediaTypes.Detect(item.Document.Name, content.Head, item.Document.MediaType);
        var context = new ReadingContext
        {
            Name = item.Document.Name,
            MediaType = attempt.MediaType,
            MaxTextLength = _options.MaxTextLength,
        };
        return await _readers.ReadAsync(content.OpenStream(), context, cancellationToken).ConfigureAwait(false);
    }

    private List<ChunkRecord> Chunk(StructuredDocument document)
    {
        var chunks = _chunker.Chunk(document);
        var records = new List<ChunkRecord>(chunks.Count);
        foreach (var chunk in chunks)
        {
            var text = document.Text[chunk.Start..chunk.End];
            records.Add(
                new ChunkRecord
                {
                    Ordinal = records.Count,
                    Start = chunk.Start,
                    End = chunk.End,
                    Text = text,
                    Headings = chunk.Headings,
                    RepeatedHeader = chunk.RepeatedHeader,
                    ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input(chunk.Headings, chunk.RepeatedHeader, text)),
                }
            );
        }

        return records;
    }

    private async ValueTask PublishAsync(
        IngestionRun run,
        PlannedDocument item,
        Attempt attempt,
        StructuredDocument document,
        IReadOnlyList<ChunkRecord> chunks,
        int embedded,
        CancellationToken cancellationToken
    )
    {
        var content = attempt.Content!;
        await _store
            .PublishAsync(
                new DocumentPublication
                {
                    Collection = run.Collection,
                    Source = run.Source.Name,
                    Document = item.Document,
                    DocumentId = item.Entry?.DocumentId,
                    BaseVersion = item.Entry?.Version ?? 0,
                    MediaType = attempt.MediaType!,
                    Title = Title(item, document),
                    Size = content.Length,
                    SeenAt = content.ReadAt,
                    ContentHash = content.Hash,
                    PipelineFingerprint = Fingerprint,
                    Metadata = document.Metadata,
                    Chunks = chunks,
                    Tables = document.Tables,
                    EmbeddingModel = _embedder.Model,
                    Analyzer = _options.Analyzer,
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        if (run.CountPublished(item.Entry is not { Version: > 0 }, chunks.Count, embedded) % _options.MergeAfter == 0)
        {
            await _index.MergeAsync(run.Collection, cancellationToken).ConfigureAwait(false);
        }
    }

    private static string Title(PlannedDocument item, StructuredDocument document)
    {
        if (!string.IsNullOrWhiteSpace(item.Document.Title ?? document.Title))
        {
            return (item.Document.Title ?? document.Title)!.Trim();
        }

        var name = Path.GetFileNameWithoutExtension(item.Document.Name);
        return name.Length > 0 ? name : item.Document.Name;
    }

    private async ValueTask NoteSeenAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        foreach (var batch in run.SeenDocuments.Chunk(1_000))
        {
            await _store.MarkSeenAsync(run.Collection, run.Source.Name, batch, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask DeleteAsync(
        IngestionRun run,
        IReadOnlyCollection<LedgerEntry> entries,
        CancellationToken cancellationToken
    )
    {
        if (entries.Count == 0)
        {
            return;
        }

        if (run.Deleted + entries.Count > run.Plan.DeleteLimit)
        {
            run.CountHeld(entries.Count);
            return;
        }

        run.CountDeleted(
            await _store
                .DeleteAsync(run.Collection, [.. entries.Select(entry => entry.DocumentId)], cancellationToken)
                .ConfigureAwait(false)
        );
    }

    private async ValueTask<IngestionReport> ReportAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        var report = run.Report();
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
        Level = LogLevel.Warning,
        Message = "{Source}: a part could not be listed and stays as it was: {Gap}"
    )]
    private partial void LogGap(string source, string gap);
}
