namespace Slipway.Internal;

/// <summary>The subscriptions of one process, by topic. Stores raise what they have committed or heard.</summary>
internal sealed class ChangeHub(TimeProvider timeProvider)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Subscription>> _subscriptions = new(StringComparer.Ordinal);

    /// <summary>Whether anybody listens.</summary>
    public bool IsUsed
    {
        get
        {
            lock (_lock)
            {
                return _subscriptions.Count > 0;
            }
        }
    }

    public IChangeSubscription Subscribe(ChangeTopic topic)
    {
        var subscription = new Subscription(this, topic.Key, timeProvider);
        lock (_lock)
        {
            if (!_subscriptions.TryGetValue(topic.Key, out var list))
            {
                _subscriptions.Add(topic.Key, list = []);
            }

            list.Add(subscription);
        }

        return subscription;
    }

    /// <summary>Wakes who listens to a topic.</summary>
    public void Raise(string key)
    {
        lock (_lock)
        {
            if (_subscriptions.TryGetValue(key, out var list))
            {
                list.ForEach(subscription => subscription.Raise());
            }
        }
    }

    /// <summary>Wakes everybody: anything may have changed.</summary>
    public void RaiseAll()
    {
        lock (_lock)
        {
            foreach (var list in _subscriptions.Values)
            {
                list.ForEach(subscription => subscription.Raise());
            }
        }
    }

    private void Remove(Subscription subscription)
    {
        lock (_lock)
        {
            if (
                _subscriptions.TryGetValue(subscription.Key, out var list)
                && list.Remove(subscription)
                && list.Count == 0
            )
            {
                _subscriptions.Remove(subscription.Key);
            }
        }
    }

    private sealed class Subscription(ChangeHub hub, string key, TimeProvider timeProvider) : IChangeSubscription
    {
        private TaskCompletionSource _changed = New();

        public string Key => key;

        public void Raise() => Volatile.Read(ref _changed).TrySetResult();

        public async ValueTask<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken = default)
        {
            var changed = Volatile.Read(ref _changed);
            try
            {
                await changed.Task.WaitAsync(atMost, timeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return false;
            }

            // What is raised up to here is seen by the look that follows.
            Volatile.Write(ref _changed, New());
            return true;
        }

        public void Dispose() => hub.Remove(this);

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
