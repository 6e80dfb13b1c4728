using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Slipway.Hosting.Startup;

namespace Slipway.Hosting;

/// <summary>Runs a host to its end and turns what happened into an exit code.</summary>
public static partial class SlipwayHost
{
    /// <summary>Builds and runs a host: the body of a program.</summary>
    /// <param name="build">Makes the host; what it throws is reported like a failed start. The host is disposed at the end.</param>
    /// <param name="cancellationToken">Stops the host, as SIGTERM and Ctrl-C do.</param>
    /// <returns>
    /// 0 done, 1 try again or look at the log, 2 a setting is missing or wrong, 3 a credential is missing or refused. Message and fix
    /// are on the standard error stream; stack traces are in the log at debug level.
    /// </returns>
    public static async Task<int> RunAsync(Func<IHost> build, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(build);
        IHost? host = null;
        try
        {
            host = build();
            return await RunToEndAsync(host, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 0; // stopped before it had started
        }
        catch (Exception exception)
        {
            if (host?.Services.GetService<ILoggerFactory>()?.CreateLogger(typeof(SlipwayHost)) is { } logger)
            {
                LogFailure(logger, exception);
            }

            var failure = Failure.From(exception);
            failure.Write(Console.Error);
            return failure.ExitCode;
        }
        finally
        {
            await DisposeAsync(host).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a host that is built already.</summary>
    /// <inheritdoc cref="RunAsync(Func{IHost}, CancellationToken)"/>
    public static Task<int> RunAsync(IHost host, CancellationToken cancellationToken = default) =>
        RunAsync(() => host, cancellationToken);

    private static async Task<int> RunToEndAsync(IHost host, CancellationToken cancellationToken)
    {
        var filter = host.Services.GetService<StartupLogFilter>();
        filter?.Active = true;
        await host.StartAsync(cancellationToken).ConfigureAwait(false);
        filter?.Active = false;

        await host.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
        var fault = host
            .Services.GetServices<IHostedService>()
            .OfType<BackgroundService>()
            .Select(service => service.ExecuteTask?.Exception)
            .FirstOrDefault(exception => exception is not null);
        return fault is null ? host.Services.GetService<ExitStatus>()?.Code ?? 0 : throw fault;
    }

    private static async ValueTask DisposeAsync(IHost? host)
    {
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            host?.Dispose();
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "The host has failed.")]
    private static partial void LogFailure(ILogger logger, Exception exception);
}
