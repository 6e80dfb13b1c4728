namespace Slipway.Rag.Testing;

/// <summary>The time of a simulation: the store's and the source's. It moves when the scheduler says so.</summary>
internal sealed class SimulatedClock(DateTimeOffset start) : TimeProvider
{
    private long _ticks = start.UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public void MoveTo(DateTimeOffset time) => Volatile.Write(ref _ticks, Math.Max(_ticks, time.UtcTicks));

    /// <summary>Nobody waits by the store's clock.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        throw new NotSupportedException("The simulated store has no timers.");
}

/// <summary>The clock as one process has it: its timers run only while the process does, and fire on the scheduler's thread.</summary>
internal sealed class WorkerClock(SimulatedClock clock) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];

    public override long TimestampFrequency => clock.TimestampFrequency;

    /// <summary>When the next timer is due; null for none.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_lock)
            {
                return _timers.Min(timer => timer.Due);
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    /// <summary>Fires the timer that is due next.</summary>
    public void Fire()
    {
        Timer next;
        lock (_lock)
        {
            if (_timers.MinBy(timer => timer.Due ?? DateTimeOffset.MaxValue) is not { Due: not null } found)
            {
                return;
            }

            next = found;
            next.Rearm(clock.GetUtcNow());
        }

        next.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        lock (_lock)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    private sealed class Timer(WorkerClock owner, Action fire) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset? Due { get; private set; }

        public void Fire() => fire();

        public void Rearm(DateTimeOffset now) => Due = _period > TimeSpan.Zero ? now + _period : null;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._lock)
            {
                _period = period;
                Due = dueTime < TimeSpan.Zero ? null : owner.GetUtcNow() + dueTime;
                return true;
            }
        }

        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
