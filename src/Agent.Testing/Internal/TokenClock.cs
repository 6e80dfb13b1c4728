namespace Slipway.Agents.Testing.Internal;

/// <summary>When the tokens of one answer are due, to the millisecond. One timer serves them all.</summary>
internal sealed class TokenClock(TimeProvider time, long origin, TimeSpan first, TimeSpan interval) : IDisposable
{
    private static readonly TimeSpan Resolution = TimeSpan.FromMilliseconds(1);
    private readonly SemaphoreSlim _tick = new(0);
    private ITimer? _timer;
    private long _origin = origin;
    private TimeSpan _due = first;

    private TimeSpan Remaining => _due - time.GetElapsedTime(_origin);

    /// <summary>Waits until the next token is due.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        while (Remaining is var wait && wait >= Resolution)
        {
            _timer ??= time.CreateTimer(_ => _tick.Release(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
            // A test may move its clock after the wait was reckoned and before the timer knew of it: it is reckoned
            // again.
            if (wait - Remaining < Resolution)
            {
                await _tick.WaitAsync(cancellationToken);
            }
        }

        _due += interval;
    }

    /// <summary>The next token is due at once, and those after it from now on.</summary>
    public void Restart() => (_origin, _due) = (time.GetTimestamp(), TimeSpan.Zero);

    public void Dispose() => _timer?.Dispose();
}
