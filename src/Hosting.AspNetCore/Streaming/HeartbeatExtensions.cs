using System.Runtime.CompilerServices;

namespace Slipway.Hosting.Streaming;

internal static class HeartbeatExtensions
{
    /// <summary>Proxies and browsers give up on a silent stream after 30 to 60 seconds.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>The items, and null whenever <see cref="Interval"/> has passed without one.</summary>
    public static async IAsyncEnumerable<T?> WithHeartbeats<T>(
        this IAsyncEnumerable<T> source,
        TimeProvider timeProvider,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
        where T : class
    {
        var items = source.GetAsyncEnumerator(cancellationToken);
        await using var _ = items.ConfigureAwait(false);
        while (true)
        {
            var next = items.MoveNextAsync().AsTask();
            try
            {
                while (!await CompletesInTimeAsync(next, timeProvider).ConfigureAwait(false))
                {
                    yield return null;
                }
            }
            finally
            {
                // An enumerator must not be disposed while it moves. The reader has gone, so the token ends the move.
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (!await next.ConfigureAwait(false))
            {
                yield break;
            }

            yield return items.Current;
        }
    }

    /// <summary>What an enumerator has not given yet. It stays the caller's to dispose.</summary>
    public static async IAsyncEnumerable<T> Remaining<T>(this IAsyncEnumerator<T> items)
    {
        while (await items.MoveNextAsync().ConfigureAwait(false))
        {
            yield return items.Current;
        }
    }

    private static async Task<bool> CompletesInTimeAsync(Task<bool> next, TimeProvider timeProvider)
    {
        if (next.IsCompleted)
        {
            return true;
        }

        using var stop = new CancellationTokenSource();
        var delay = Task.Delay(Interval, timeProvider, stop.Token);
        var first = await Task.WhenAny(next, delay).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        return first == next;
    }
}
