using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing.Internal;

/// <summary>A store of a process that ends at one of its calls: from then on nothing of it reaches the database.</summary>
/// <param name="store">The store.</param>
/// <param name="last">Which call is the last, from 1.</param>
/// <param name="commits">Whether that call is carried out, and only its answer is lost.</param>
internal sealed class CrashingTurnStore(ITurnStore store, int last, bool commits) : ITurnStore, IDisposable
{
    private readonly CancellationTokenSource _crashed = new();
    private int _calls;

    /// <summary>Cancelled when the process has ended, and with it the connections of its clients.</summary>
    public CancellationToken Crashed => _crashed.Token;

    public ValueTask<TurnAdmission> StartTurnAsync(TurnStart start, CancellationToken cancellationToken = default) =>
        CallAsync(() => store.StartTurnAsync(start, cancellationToken));

    public ValueTask<bool> WriteAsync(TurnOutput output, CancellationToken cancellationToken = default) =>
        CallAsync(() => store.WriteAsync(output, cancellationToken));

    public ValueTask<IReadOnlyList<LoggedTurnEvent>> ReadEventsAsync(
        Principal principal,
        string turnId,
        long after = 0,
        int limit = int.MaxValue,
        CancellationToken cancellationToken = default
    ) => store.ReadEventsAsync(principal, turnId, after, limit, cancellationToken);

    public ValueTask<IReadOnlyList<TurnStep>> ReadStepsAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) => store.ReadStepsAsync(principal, turnId, cancellationToken);

    public ValueTask<string?> RequestStopAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) => CallAsync(() => store.RequestStopAsync(principal, conversationId, cancellationToken));

    public ValueTask<IReadOnlyList<TurnRenewal>> RenewAsync(
        IReadOnlyCollection<TurnLease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    ) => CallAsync(() => store.RenewAsync(leases, duration, cancellationToken));

    public async ValueTask ReleaseAsync(
        IReadOnlyCollection<TurnLease> leases,
        CancellationToken cancellationToken = default
    ) =>
        await CallAsync(async () =>
        {
            await store.ReleaseAsync(leases, cancellationToken);
            return true;
        });

    public ValueTask<IReadOnlyList<AbandonedTurn>> TakeOverAsync(
        TimeSpan duration,
        int limit = 100,
        string? turnId = null,
        CancellationToken cancellationToken = default
    ) => CallAsync(() => store.TakeOverAsync(duration, limit, turnId, cancellationToken));

    public ValueTask<int> TrimAsync(
        DateTimeOffset before,
        int limit = 100,
        CancellationToken cancellationToken = default
    ) => CallAsync(() => store.TrimAsync(before, limit, cancellationToken));

    public void Dispose() => _crashed.Dispose();

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        var number = Interlocked.Increment(ref _calls);
        if (number < last)
        {
            return await call();
        }

        if (number == last && commits)
        {
            await call();
        }

        await _crashed.CancelAsync();
        throw new InvalidOperationException("The process has ended.");
    }
}
