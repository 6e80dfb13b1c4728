using System.Diagnostics.CodeAnalysis;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>
/// What this process commits wakes its subscriptions by topic and at once. That another process has committed something is seen within
/// 100 ms, while anybody listens, and wakes them all: the file does not say what it was.
/// </summary>
internal sealed class SqliteChangeSignal(SqliteDatabase database) : IChangeSignal, IDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _starting = new(1, 1);
    private bool _isWatching;

    public async ValueTask<IChangeSubscription> SubscribeAsync(
        ChangeTopic topic,
        CancellationToken cancellationToken = default
    )
    {
        await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        var subscription = database.Changes.Subscribe(topic);
        try
        {
            await _starting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            subscription.Dispose();
            throw;
        }

        if (!_isWatching)
        {
            _isWatching = true;
            _ = WatchAsync();
        }

        _starting.Release();
        return subscription;
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "A file that cannot be read now is looked at again.")]
    private async Task WatchAsync()
    {
        var stopping = _stopping.Token;
        using var timer = new PeriodicTimer(PollInterval, database.Time);
        long? seen = null; // the first look wakes everybody: what came since the subscription is not known
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                try
                {
                    var version = await database.ReadDataVersionAsync(stopping).ConfigureAwait(false);
                    if (version != seen)
                    {
                        seen = version;
                        database.Changes.RaiseAll();
                    }
                }
                catch (Exception exception)
                    when (exception is not (OperationCanceledException or ObjectDisposedException))
                {
                    seen = null;
                }

                await _starting.WaitAsync(stopping).ConfigureAwait(false);
                _isWatching = database.Changes.IsUsed;
                _starting.Release();
                if (!_isWatching)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // the end of the process, or of the database
        }
    }
}
