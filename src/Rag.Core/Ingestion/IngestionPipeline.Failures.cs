using Microsoft.Extensions.Logging;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

public sealed partial class IngestionPipeline
{
    /// <summary>
    /// Whether only this document is concerned. A wrong setting or credential would fail every other one as well: it ends the run.
    /// </summary>
    private static bool IsDocumentError(Exception exception, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested
        && exception is not SlipwayException { Class: ErrorClass.Configuration or ErrorClass.Authentication };

    private async ValueTask FailAsync(
        IngestionRun run,
        PlannedDocument item,
        Attempt attempt,
        Exception exception,
        CancellationToken cancellationToken
    )
    {
        if (exception is PublicationConflictException or ClaimLostException)
        {
            run.CountUnchanged(); // somebody else has just done the same work
            return;
        }

        var (errorClass, message, retryAfter) = Describe(exception);
        var state =
            exception is UnsupportedMediaTypeException ? DocumentState.Skipped
            : errorClass == ErrorClass.Transient ? DocumentState.Failed
            : DocumentState.Quarantined;
        await _store
            .RecordFailureAsync(
                new DocumentFailure
                {
                    Collection = run.Collection,
                    Source = run.Source.Name,
                    Document = item.Document,
                    State = state,
                    ErrorClass = errorClass,
                    Error = message,
                    PipelineFingerprint = Fingerprint,
                    SeenAt = attempt.Content?.ReadAt ?? _time.GetUtcNow(),
                    NextActionAt = state == DocumentState.Failed ? NextAttempt(item, retryAfter) : null,
                    Duration = attempt.Elapsed,
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        if (state == DocumentState.Skipped)
        {
            run.CountSkipped();
            return;
        }

        run.AddError(new DocumentError(item.Document.Name, errorClass, message));
        LogFailure(exception, item.Document.Name, errorClass, message);
    }

    private DateTimeOffset NextAttempt(PlannedDocument item, TimeSpan? retryAfter)
    {
        var doublings = Math.Min(item.Entry?.Attempts ?? 0, 20);
        var delay = TimeSpan.FromTicks(
            (long)Math.Min(_options.RetryDelay.Ticks * Math.Pow(2, doublings), _options.MaxRetryDelay.Ticks)
        );
        return _time.GetUtcNow() + (retryAfter > delay ? retryAfter.Value : delay);
    }

    private static (ErrorClass Class, string Message, TimeSpan? RetryAfter) Describe(Exception exception) =>
        exception switch
        {
            SlipwayException known => (
                known.Class,
                known.Fix is null ? known.Message : $"{known.Message} {known.Fix}",
                known.RetryAfter
            ),
            IOException or UnauthorizedAccessException => (
                ErrorClass.Transient,
                $"It could not be read: {exception.Message}",
                null
            ),
            HttpRequestException or OperationCanceledException or TimeoutException => (
                ErrorClass.Transient,
                $"A call over the network failed: {exception.Message}",
                null
            ),
            _ => (
                ErrorClass.Permanent,
                $"It could not be processed ({exception.GetType().Name}): {exception.Message}",
                null
            ),
        };

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Name} failed ({ErrorClass}): {Error}")]
    private partial void LogFailure(Exception exception, string name, ErrorClass errorClass, string error);
}
