using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>
/// The claims of a run: renewed while it works on them, given back at its end. A claim that is lost is not noticed here; the store refuses
/// what is done under it.
/// </summary>
internal sealed class HeldClaims : IAsyncDisposable
{
    /// <summary>Others wait no longer than this for what a run that is stopped gives back; then the claims expire.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly IDocumentQueue _queue;
    private readonly TimeSpan _duration;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DocumentClaim> _claims = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly PeriodicTimer _timer;
    private readonly Task _renewing;

    public HeldClaims(IDocumentQueue queue, TimeSpan duration, TimeProvider timeProvider)
    {
        (_queue, _duration, _time) = (queue, duration, timeProvider);
        _timer = new PeriodicTimer(duration / 3, timeProvider);
        _renewing = RenewAsync();
    }

    public void Add(IReadOnlyList<DocumentClaim> claims)
    {
        lock (_lock)
        {
            foreach (var claim in claims)
            {
                _claims[claim.Entry.DocumentId] = claim;
            }
        }
    }

    /// <summary>The work is done, and with it the claim.</summary>
    public void Forget(IEnumerable<DocumentClaim> claims)
    {
        lock (_lock)
        {
            foreach (var claim in claims)
            {
                _claims.Remove(claim.Entry.DocumentId);
            }
        }
    }

    /// <summary>Gives back what was not worked on.</summary>
    public async ValueTask ReturnAsync(IReadOnlyCollection<DocumentClaim> claims)
    {
        if (claims.Count > 0)
        {
            Forget(claims);
            using var patience = new CancellationTokenSource(Patience, _time);
            await _queue.ReturnAsync(claims, patience.Token).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose(); // ends the wait without an exception, which a short run would feel
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        _stopping.Dispose();
        try
        {
            await ReturnAsync(Snapshot()).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SlipwayException or OperationCanceledException)
        {
            // They expire by themselves, and what ended the run is worth more to its caller.
        }
    }

    private async Task RenewAsync()
    {
        while (await _timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false))
        {
            try
            {
                if (Snapshot() is { Count: > 0 } claims)
                {
                    await _queue.RenewAsync(claims, _duration, _stopping.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException)
            {
                return; // the run is over
            }
            catch (SlipwayException)
            {
                // The database is away: the next tick tries again, and the store decides whether the work still counts.
            }
        }
    }

    private List<DocumentClaim> Snapshot()
    {
        lock (_lock)
        {
            return [.. _claims.Values];
        }
    }
}
