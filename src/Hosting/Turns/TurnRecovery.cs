using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway.Agents;
using Slipway.Agents.Turns;

namespace Slipway.Hosting.Turns;

/// <summary>
/// Takes over the turns of processes that are gone, at the start and from then on; gives this one's away when the host stops; removes the
/// logs of turns that ended long ago.
/// </summary>
internal sealed partial class TurnRecovery(
    IServiceProvider services,
    TimeProvider timeProvider,
    IHostApplicationLifetime lifetime,
    ILogger<TurnRecovery> logger
) : BackgroundService
{
    private static readonly TimeSpan TrimInterval = TimeSpan.FromHours(1);

    private Task _draining = Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Only now: the host makes its services before it checks the settings.
        if (services.GetRequiredService<ITurnRunner>() is not TurnRunner runner)
        {
            return; // an application's own
        }

        var options = services.GetRequiredService<IOptions<AgentOptions>>().Value;
        // Before the server stops: it waits for those who follow turns, and they wait for the turns.
        using var stopping = lifetime.ApplicationStopping.Register(() =>
            _draining = runner.DrainAsync(options.DrainTime)
        );
        var signal = services.GetRequiredService<IChangeSignal>();
        DateTimeOffset? trimmed = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                using var abandoned = await signal
                    .SubscribeAsync(ChangeTopic.AbandonedTurns, stoppingToken)
                    .ConfigureAwait(false);
                do
                {
                    await runner.RecoverAsync(stoppingToken).ConfigureAwait(false);
                    if (trimmed is null || timeProvider.GetUtcNow() - trimmed >= TrimInterval)
                    {
                        trimmed = timeProvider.GetUtcNow();
                        await TrimAsync(trimmed.Value - options.EventRetention, stoppingToken).ConfigureAwait(false);
                    }

                    await abandoned.WaitAsync(options.TurnLease / 3, stoppingToken).ConfigureAwait(false);
                } while (true);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                LogFailed(exception);
                await Task.Delay(options.TurnLease, timeProvider, stoppingToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _draining.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task TrimAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        const int AtOnce = 100;
        var turns = services.GetRequiredService<ITurnStore>();
        while (await turns.TrimAsync(before, AtOnce, cancellationToken).ConfigureAwait(false) == AtOnce) { }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Turns of processes that are gone could not be looked for.")]
    private partial void LogFailed(Exception exception);
}
