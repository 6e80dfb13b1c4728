using System.IO.Hashing;
using System.Text;
using Microsoft.Extensions.Logging;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;

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
        Attempt attempt,
        Exception exception,
        CancellationToken cancellationToken
    )
    {
        var (claim, seenAt) = (attempt.Claim, attempt.SeenAt);
        var (errorClass, message, retryAfter) = Describe(exception);
        var state =
            exception is UnsupportedMediaTypeException ? DocumentState.Skipped
            : errorClass == ErrorClass.Transient ? DocumentState.Failed
            : DocumentState.Quarantined;
        if (state == DocumentState.Failed && claim.Entry.Attempts + 1 >= _options.MaxAttempts)
        {
            state = DocumentState.Quarantined;
            message = $"Given up after {claim.Entry.Attempts + 1} attempts: {message}";
        }

        try
        {
            await _store
                .RecordFailureAsync(
                    new DocumentFailure
                    {
                        Collection = claim.Collection,
                        Source = claim.Source,
                        Document = claim.Document,
                        Claim = claim,
                        State = state,
                        ErrorClass = errorClass,
                        Error = message,
                        PipelineFingerprint = Fingerprint,
                        SeenAt = seenAt,
                        NextActionAt = state == DocumentState.Failed ? NextAttempt(claim, retryAfter) : null,
                        Duration = _time.GetUtcNow() - seenAt,
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
        catch (ClaimLostException)
        {
            run.CountUnchanged(); // somebody else works on it now, and says what becomes of it
            run.Done(attempt, "lost");
            return;
        }

        run.Done(attempt, StoredValue.Text(state), exception);
        if (state == DocumentState.Skipped)
        {
            run.CountSkipped();
            return;
        }

        run.AddError(new DocumentError(claim.Document.Name, errorClass, message));
        LogFailure(exception, claim.Document.Name, errorClass, message);
    }

    /// <summary>
    /// Twice as long each time, up to a quarter less so that what failed together does not come back together, and never before a server
    /// that named a time wants it.
    /// </summary>
    private DateTimeOffset NextAttempt(DocumentClaim claim, TimeSpan? retryAfter)
    {
        var doublings = Math.Min(claim.Entry.Attempts, 20);
        var delay = Math.Min(_options.RetryDelay.Ticks * Math.Pow(2, doublings), _options.MaxRetryDelay.Ticks);
        var asked = retryAfter?.Ticks ?? 0;
        var spread = Spread(claim) / 4;
        return _time.GetUtcNow()
            + TimeSpan.FromTicks((long)Math.Max(delay * (1 - spread), asked + (asked > 0 ? delay * spread : 0)));
    }

    /// <summary>From 0 to 1: by the document and its attempts rather than by chance, so that a run can be repeated.</summary>
    private static double Spread(DocumentClaim claim) =>
        XxHash32.HashToUInt32(Encoding.UTF8.GetBytes($"{claim.Entry.DocumentId}/{claim.Entry.Attempts}"))
        / (double)uint.MaxValue;

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
