using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

// The turns that run here: held by leases, stopped from anywhere, given away when the process ends, taken over when another's has ended.
public sealed partial class TurnRunner
{
    private const int RenewalsInALease = 3;

    /// <summary>A turn that ended so many processes is not resumed once more: it may be why they ended.</summary>
    private const int MostOwners = 4;

    private readonly ConcurrentDictionary<string, Turn> _running = new(StringComparer.Ordinal);
    private int _renewing;
    private volatile bool _draining;

    /// <inheritdoc/>
    public async ValueTask<bool> StopAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    )
    {
        var turnId = await turns.RequestStopAsync(principal, conversationId, cancellationToken).ConfigureAwait(false);
        if (turnId is not null && _running.TryGetValue(turnId, out var turn))
        {
            turn.Stop();
        }

        return turnId is not null;
    }

    /// <summary>
    /// Takes over the turns of processes that are gone, and resumes them or closes them as <see cref="AgentOptions.ResumeTurns"/> says. Those
    /// that run here go on beside it.
    /// </summary>
    /// <returns>How many were taken over.</returns>
    public Task<int> RecoverAsync(CancellationToken cancellationToken = default) =>
        _draining ? Task.FromResult(0) : TakeOverAsync(null, closeAs: null, cancellationToken);

    /// <summary>
    /// Waits for running turns to end, then gives those away that have not: another instance goes on with them at once. Turns that begin
    /// later are given away at once, too.
    /// </summary>
    /// <param name="atMost">How long to wait, see <see cref="AgentOptions.DrainTime"/>.</param>
    public async Task DrainAsync(TimeSpan atMost)
    {
        if (atMost > TimeSpan.Zero)
        {
            await Task.WhenAll(_running.Values.Select(turn => turn.Completion))
                .WaitAsync(atMost, _time)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _draining = true;
        foreach (var turn in _running.Values)
        {
            turn.LeaveTo(TurnLeave.HandedOver);
        }

        await Task.WhenAll(_running.Values.Select(turn => turn.Completion)).ConfigureAwait(false);
    }

    /// <summary>Gives the turns away that run here.</summary>
    public async ValueTask DisposeAsync() => await DrainAsync(TimeSpan.Zero).ConfigureAwait(false);

    /// <summary>Gives the turns away that run here, without waiting for it.</summary>
    public void Dispose() => _ = DrainAsync(TimeSpan.Zero);

    private void Launch(Turn turn)
    {
        _running[turn.Id] = turn;
        turn.Completion = Task.Run(() => RunAsync(turn));
        if (turn.Request.ConversationId is null)
        {
            return;
        }

        if (_draining)
        {
            turn.LeaveTo(TurnLeave.HandedOver);
        }

        _ = WatchStopAsync(turn);
        if (Interlocked.Exchange(ref _renewing, 1) == 0)
        {
            _ = KeepLeasesAsync();
        }
    }

    private async Task RunAsync(Turn turn)
    {
        await RunToEndAsync(turn).ConfigureAwait(false);
        _running.TryRemove(turn.Id, out _);
        turn.Ended();
    }

    /// <summary>Takes turns over: all that nobody holds, or one.</summary>
    /// <param name="turnId">Only this one; null for all.</param>
    /// <param name="closeAs">How they end; null to do as the settings say.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    private async Task<int> TakeOverAsync(string? turnId, TurnStatus? closeAs, CancellationToken cancellationToken)
    {
        await RenewAsync(Held()).ConfigureAwait(false); // what could not be renewed in time and is still here is nobody's to take
        var taken = await turns
            .TakeOverAsync(options.TurnLease, turnId: turnId, cancellationToken: cancellationToken)
            .ConfigureAwait(false);
        foreach (var abandoned in taken)
        {
            // The principal is whoever asked then; the store lets each see its own.
            var owner = abandoned.Principal;
            var events = await turns
                .ReadEventsAsync(owner, abandoned.Lease.TurnId, cancellationToken: CancellationToken.None)
                .ConfigureAwait(false);
            var steps = await turns
                .ReadStepsAsync(owner, abandoned.Lease.TurnId, CancellationToken.None)
                .ConfigureAwait(false);
            var request = StoredTurnRequest.Read(abandoned);
            var end =
                abandoned.StopRequested ? TurnStatus.Cancelled
                : closeAs is not null ? closeAs
                : request is null || !options.ResumeTurns || abandoned.Lease.FencingToken > MostOwners
                    ? TurnStatus.Interrupted
                : null;
            var turn = Turn.TakeOver(
                request
                    ?? new()
                    {
                        Principal = owner,
                        ConversationId = abandoned.ConversationId,
                        Messages = [],
                    },
                abandoned.Lease,
                new(abandoned.Lease.TurnId, events, steps),
                end,
                turns,
                passages,
                _time
            );
            LogTakenOver(turn.Id, end is null ? "resumed" : "closed");
            Launch(turn);
            if (end is not null)
            {
                await turn.Completion.ConfigureAwait(false);
            }
        }

        return taken.Count;
    }

    [SuppressMessage(
        "Design",
        "CA1031",
        Justification = "A stop that is not heard here is seen when the lease is renewed."
    )]
    private async Task WatchStopAsync(Turn turn)
    {
        if (changes is null)
        {
            return;
        }

        try
        {
            using var subscription = await changes
                .SubscribeAsync(ChangeTopic.TurnStop(turn.Id), turn.AtEnd)
                .ConfigureAwait(false);
            do
            {
                var info = await conversations
                    .FindTurnAsync(turn.Request.Principal, turn.Id, turn.AtEnd)
                    .ConfigureAwait(false);
                if (info?.StopRequested != false)
                {
                    turn.Stop(); // or its conversation was deleted
                    return;
                }
            } while (await subscription.WaitAsync(Timeout.InfiniteTimeSpan, turn.AtEnd).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (turn.AtEnd.IsCancellationRequested)
        {
            // The turn has ended.
        }
        catch (Exception exception)
        {
            LogNotWatched(turn.Id, exception);
        }
    }

    [SuppressMessage(
        "Design",
        "CA1031",
        Justification = "What could not be renewed is tried again; a lost lease is fenced."
    )]
    private async Task KeepLeasesAsync()
    {
        while (true)
        {
            await Task.Delay(options.TurnLease / RenewalsInALease, _time).ConfigureAwait(false);
            var held = Held();
            if (held.Count == 0)
            {
                Volatile.Write(ref _renewing, 0);
                // One that was launched meanwhile saw that somebody renews.
                if (_running.IsEmpty || Interlocked.Exchange(ref _renewing, 1) != 0)
                {
                    return;
                }

                continue;
            }

            try
            {
                await RenewAsync(held).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                LogNotRenewed(held.Count, exception);
            }
        }
    }

    private List<Turn> Held() => [.. _running.Values.Where(turn => turn.Request.ConversationId is not null)];

    private async Task RenewAsync(List<Turn> held)
    {
        if (held.Count == 0)
        {
            return;
        }

        var renewed = (
            await turns.RenewAsync([.. held.Select(turn => turn.Lease)], options.TurnLease).ConfigureAwait(false)
        ).ToDictionary(renewal => renewal.TurnId, StringComparer.Ordinal);
        foreach (var turn in held)
        {
            if (!renewed.TryGetValue(turn.Id, out var renewal))
            {
                turn.LeaveTo(TurnLeave.Lost);
            }
            else if (renewal.StopRequested)
            {
                turn.Stop();
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Turn {TurnId}, whose process is gone, is {What} here.")]
    private partial void LogTakenOver(string turnId, string what);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A stop of turn {TurnId} is only seen when its lease is renewed."
    )]
    private partial void LogNotWatched(string turnId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The leases of {Count} turns could not be renewed.")]
    private partial void LogNotRenewed(int count, Exception exception);
}
