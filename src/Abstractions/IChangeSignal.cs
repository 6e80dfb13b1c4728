namespace Slipway;

/// <summary>Tells waiting processes that something has changed, so that they need not ask again and again.</summary>
/// <remarks>
/// A signal carries no news: whoever is woken looks. A wake-up may be spurious; none is lost. A change that is committed after
/// <see cref="SubscribeAsync"/> returned wakes the subscription, whichever process made it. So: subscribe, look, wait, look again.
/// Where nobody can send signals (behind a pooler in transaction mode, say), subscriptions are woken at short intervals instead.
/// Safe for concurrent use.
/// </remarks>
public interface IChangeSignal
{
    /// <summary>Begins to listen.</summary>
    /// <returns>The subscription; the caller disposes it.</returns>
    ValueTask<IChangeSubscription> SubscribeAsync(ChangeTopic topic, CancellationToken cancellationToken = default);
}

/// <summary>A subscription to one topic, for one waiter at a time.</summary>
public interface IChangeSubscription : IDisposable
{
    /// <summary>Waits for a change since the last wait, or since the subscription began. Changes that came together count as one.</summary>
    /// <param name="atMost">How long to wait; zero only asks, <see cref="Timeout.InfiniteTimeSpan"/> waits for a change.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>; the change is kept.</param>
    /// <returns>True when something may have changed, false when the time is up.</returns>
    ValueTask<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken = default);
}
