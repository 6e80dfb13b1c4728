namespace Slipway.Rag.Sources;

/// <summary>
/// Tells that something in a folder changed. A hint only: events are lost on some mounts, so the caller compares at an interval as well.
/// </summary>
internal sealed class FolderWatch(string path) : IDisposable
{
    /// <summary>After an event, how long it must be quiet: a program that saves writes several times.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(250);

    /// <summary>Under constant change, how long to hold back at most.</summary>
    private static readonly TimeSpan HoldBack = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _changed = new(0);
    private FileSystemWatcher? _watcher;

    public async Task WaitAsync(TimeSpan atMost, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        Start();
        var start = timeProvider.GetTimestamp();
        if (!await SignalAsync(atMost, timeProvider, cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        while (
            timeProvider.GetElapsedTime(start) < HoldBack
            && await SignalAsync(Quiet, timeProvider, cancellationToken).ConfigureAwait(false)
        ) { }
    }

    public void Dispose()
    {
        _watcher?.Dispose();
        _changed.Dispose();
    }

    private async Task<bool> SignalAsync(
        TimeSpan atMost,
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        using var timeout = new CancellationTokenSource(atMost, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _changed.WaitAsync(either.Token).ConfigureAwait(false);
            while (_changed.Wait(0, CancellationToken.None)) { } // one signal stands for all that came together
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The watcher lives on between waits, so that what changes during a run is not missed.</summary>
    private void Start()
    {
        if (_watcher is not null || !Directory.Exists(path))
        {
            return;
        }

        try
        {
            var watcher = new FileSystemWatcher(path) { IncludeSubdirectories = true };
            watcher.Changed += Signal;
            watcher.Created += Signal;
            watcher.Deleted += Signal;
            watcher.Renamed += Signal;
            watcher.Error += (_, _) =>
            {
                // Overflow, or the folder went away: look once now, and watch anew at the next wait.
                Signal(null, null);
                Interlocked.Exchange(ref _watcher, null)?.Dispose();
            };
            watcher.EnableRaisingEvents = true;
            _watcher = watcher;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // No watches left (fs.inotify.max_user_watches), or the folder has just gone: the interval serves alone.
        }
    }

    private void Signal(object? sender, FileSystemEventArgs? change)
    {
        try
        {
            _changed.Release();
        }
        catch (ObjectDisposedException)
        {
            // an event that was under way when the source was disposed
        }
    }
}
