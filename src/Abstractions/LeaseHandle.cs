using System.Diagnostics.CodeAnalysis;

namespace Slipway;

/// <summary>A lease that is renewed in the background until it is disposed, and that says when it is lost.</summary>
/// <remarks>
/// Renewed after each third of its duration; while the store cannot be reached, more often. <see cref="Lost"/> is cancelled when the
/// last tenth of the duration begins without a renewal: the time is counted from before the store was asked, so nobody else can have
/// the lease yet. Only a process that stood still as a whole learns of the loss late, and for that there is the fencing token.
/// </remarks>
public sealed class LeaseHandle : IAsyncDisposable
{
    private const int RenewalsInADuration = 3;
    private const int AttemptsInADuration = 20;

    private readonly ILeaseStore _store;
    private readonly TimeSpan _duration;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _lost;
    private readonly Task _renewing;
    private Lease _lease;
    private int _disposed;

    private LeaseHandle(ILeaseStore store, Lease lease, TimeSpan duration, TimeProvider timeProvider, long askedAt)
    {
        (_store, _lease, _duration, _time) = (store, lease, duration, timeProvider);
        _lost = new CancellationTokenSource(Timeout.InfiniteTimeSpan, timeProvider);
        Lost = _lost.Token;
        Extend(askedAt);
        _renewing = RenewAsync();
    }

    /// <summary>The lease as it was last renewed. Its token stays the same.</summary>
    public Lease Lease => Volatile.Read(ref _lease);

    /// <summary>Cancelled when the lease is lost, before anybody else can have it. Not cancelled by disposing.</summary>
    public CancellationToken Lost { get; }

    /// <summary>Takes a lease and keeps it.</summary>
    /// <param name="store">Where leases are kept; must outlive the handle.</param>
    /// <param name="name">What is owned.</param>
    /// <param name="owner">Who owns it, see <see cref="ILeaseStore.AcquireAsync"/>.</param>
    /// <param name="duration">How long it lasts without a renewal: how long others wait when this process dies. 30 s is usual.</param>
    /// <param name="timeProvider">The clock of the renewals.</param>
    /// <param name="cancellationToken">Cancels the attempt, not the lease.</param>
    /// <returns>The handle, or null while somebody else holds the lease.</returns>
    public static async ValueTask<LeaseHandle?> AcquireAsync(
        ILeaseStore store,
        string name,
        string owner,
        TimeSpan duration,
        TimeProvider timeProvider,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(timeProvider);
        var askedAt = timeProvider.GetTimestamp();
        var lease = await store.AcquireAsync(name, owner, duration, cancellationToken).ConfigureAwait(false);
        return lease is null ? null : new LeaseHandle(store, lease, duration, timeProvider, askedAt);
    }

    /// <summary>Ends the renewals and gives the lease back. If the store cannot be reached, the lease expires by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        _lost.CancelAfter(Timeout.InfiniteTimeSpan); // what is given back is not lost
        try
        {
            await _store.ReleaseAsync(Lease, CancellationToken.None).ConfigureAwait(false);
        }
        catch (SlipwayException)
        {
            // it expires by itself
        }
        finally
        {
            _lost.Dispose();
            _stopping.Dispose();
        }
    }

    /// <summary>Moves the loss to a tenth of the duration before the lease can end, reckoned from when the store was asked.</summary>
    private void Extend(long askedAt)
    {
        var left = (_duration * 0.9) - _time.GetElapsedTime(askedAt);
        if (left > TimeSpan.Zero)
        {
            _lost.CancelAfter(left);
        }
        else
        {
            _lost.Cancel();
        }
    }

    [SuppressMessage(
        "Design",
        "CA1031",
        Justification = "Whatever keeps the store from renewing, the lease ends in time."
    )]
    private async Task RenewAsync()
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, Lost);
        var pause = _duration / RenewalsInADuration;
        while (true)
        {
            await Task.Delay(pause, _time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (either.IsCancellationRequested)
            {
                return;
            }

            try
            {
                var askedAt = _time.GetTimestamp();
                var renewed = await _store.RenewAsync(Lease, _duration, either.Token).ConfigureAwait(false);
                if (renewed is null)
                {
                    await _lost.CancelAsync().ConfigureAwait(false);
                    return;
                }

                Volatile.Write(ref _lease, renewed);
                Extend(askedAt);
                pause = _duration / RenewalsInADuration;
            }
            catch (OperationCanceledException) when (either.IsCancellationRequested)
            {
                return;
            }
            catch (Exception)
            {
                pause = _duration / AttemptsInADuration;
            }
        }
    }
}
