using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Settings;
using Slipway.Hosting.Startup;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;

namespace Slipway.Hosting.Ingestion;

/// <summary>
/// Keeps the collection up to date: one pass over each source, then again when the source has changed or the interval has passed. A pass
/// that fails is reported and repeated later; the process goes on.
/// </summary>
internal sealed partial class IngestionWorker(
    IServiceProvider services,
    TimeProvider timeProvider,
    IHostApplicationLifetime lifetime,
    ExitStatus exit,
    ILogger<IngestionWorker> logger
) : BackgroundService
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(2);

    private DocumentSources _sources = null!;
    private IngestionPipeline _pipeline = null!;
    private RagOptions _options = null!;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Only now: the host makes its services before it checks the settings, and wrong settings are listed all at once.
        _options = services.GetRequiredService<IOptions<RagOptions>>().Value;
        _sources = services.GetRequiredService<DocumentSources>();
        _pipeline = services.GetRequiredService<IngestionPipeline>();
        if (services.GetService<OlderConfigFile>() is { Ignored.Length: > 0 } older)
        {
            LogIgnored(older.Path, older.Ignored);
        }

        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        _options.RunMode == RunMode.Single
            ? RunOnceAsync(stoppingToken)
            : Task.WhenAll(_sources.All.Select(source => RunForeverAsync(source, stoppingToken)));

    private async Task RunForeverAsync(IDocumentSource source, CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                // Watching begins here, before the listing: what changes between the listing and the wait must end that wait.
                await source.WaitForChangeAsync(TimeSpan.Zero, timeProvider, cancellationToken).ConfigureAwait(false);
                await _pipeline.RunAsync(source, _options.CollectionKey, null, cancellationToken).ConfigureAwait(false);
                failures = 0;
                await source
                    .WaitForChangeAsync(_options.Interval, timeProvider, cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                var delay = Delay(failures++, _options.Interval);
                LogFailure(exception, source.Name, Describe(exception), delay.TotalSeconds);
                await Task.Delay(delay, timeProvider, cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        var statistics = new RunStatistics(_options.Pipeline, timeProvider);
        foreach (var source in _sources.All)
        {
            try
            {
                statistics.Add(
                    await _pipeline
                        .RunAsync(source, _options.CollectionKey, null, cancellationToken)
                        .ConfigureAwait(false)
                );
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                var failure = Failure.From(exception);
                failure.Write(Console.Error);
                statistics.AddFailure(failure);
            }
        }

        await Console.Out.WriteLineAsync(statistics.ToJson()).ConfigureAwait(false);
        exit.Code = statistics.ExitCode;
        lifetime.StopApplication();
    }

    /// <summary>2, 4, 8 … seconds, at most the interval: a source that comes back is not waited for longer than one that is well.</summary>
    internal static TimeSpan Delay(int failures, TimeSpan interval)
    {
        var delay = FirstRetry * Math.Pow(2, Math.Min(failures, 20));
        return delay < interval ? delay : interval;
    }

    private static string Describe(Exception exception) =>
        exception is SlipwayException { Fix: { } fix } ? $"{exception.Message} {fix}" : exception.Message;

    // The stack trace is for whoever asks: the message says what to do.
    private void LogFailure(Exception exception, string source, string what, double seconds)
    {
        LogWarning(source, what, seconds);
        LogDetails(exception, source);
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "'{Path}' has fields that mean nothing here: {Fields}. What was read before is in the database."
    )]
    private partial void LogIgnored(string path, string fields);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Source '{Source}' was not read: {What} Next try in {Seconds} s."
    )]
    private partial void LogWarning(string source, string what, double seconds);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Source '{Source}' was not read.")]
    private partial void LogDetails(Exception exception, string source);
}
