using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Slipway.Hosting.Startup;
using Slipway.Hosting.Verbs;

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
    public static Task<int> RunAsync(Func<IHost> build, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(build);
        return ReportAsync(build, (host, cancellation) => RunToEndAsync(host!, cancellation), cancellationToken);
    }

    /// <summary>Does what a command line says: runs the host, or one of the verbs that every host has.</summary>
    /// <param name="arguments">
    /// <c>run</c> or nothing to run the host; <c>copy --to ADDRESS</c> to copy its store to another one; <c>migrate [--dry-run]</c> to bring
    /// its schema up to date; <c>retry</c>, <c>explain</c> and <c>erase</c> for its documents. A verb says with <c>--help</c> how it is
    /// written. What is not the verb's goes on to <paramref name="build"/>.
    /// </param>
    /// <param name="build">Makes the host from the rest of the command line. For a verb it is made and not started.</param>
    /// <param name="cancellationToken">Stops the host or the verb, as SIGTERM and Ctrl-C do.</param>
    /// <returns>
    /// As <see cref="RunAsync(Func{IHost}, CancellationToken)"/>; 1 also for a verb that was stopped, which goes on when it is run again.
    /// </returns>
    public static Task<int> RunAsync(
        string[] arguments,
        Func<string[], IHost> build,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(build);
        VerbLine? line = null;
        return ReportAsync(
            () => (line = VerbLine.Parse(arguments)).AsksForHelp ? null : build(line.HostArguments),
            (host, cancellation) =>
                host is null ? WriteHelpAsync(line!.Verb!)
                : line!.Verb is { } verb ? RunVerbAsync(host, verb, line.Options, cancellation)
                : RunToEndAsync(host, cancellation),
            cancellationToken
        );
    }

    /// <summary>Runs a host that is built already.</summary>
    /// <inheritdoc cref="RunAsync(Func{IHost}, CancellationToken)"/>
    public static Task<int> RunAsync(IHost host, CancellationToken cancellationToken = default) =>
        RunAsync(() => host, cancellationToken);

    private static async Task<int> ReportAsync(
        Func<IHost?> build,
        Func<IHost?, CancellationToken, Task<int>> run,
        CancellationToken cancellationToken
    )
    {
        IHost? host = null;
        try
        {
            host = build();
            return await run(host, cancellationToken).ConfigureAwait(false);
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

    private static async Task<int> RunVerbAsync(
        IHost host,
        Verb verb,
        VerbOptions options,
        CancellationToken cancellationToken
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            return await verb.RunAsync(host.Services, options, Console.Out, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"{verb.Name} was stopped.").ConfigureAwait(false);
            return 1;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    private static async Task<int> WriteHelpAsync(Verb verb)
    {
        await Console.Out.WriteLineAsync($"{verb.Name} {verb.Usage}").ConfigureAwait(false);
        await Console.Out.WriteLineAsync(verb.Summary).ConfigureAwait(false);
        return 0;
    }

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
