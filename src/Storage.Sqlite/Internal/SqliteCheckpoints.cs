using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>
/// Moves committed pages from the log into the file beside the work that goes on. SQLite's own checkpoint runs inside a commit, which then
/// waits for the disk; it stays as the bound of the log's size.
/// </summary>
/// <param name="open">Opens a session of its own.</param>
internal sealed class SqliteCheckpoints(Func<SqliteSession> open) : IDisposable
{
    // SQLITE_DBSTATUS_CACHE_WRITE, https://www.sqlite.org/c3ref/c_dbstatus_options.html: pages that a connection has written to the log.
    private const int PagesWritten = 9;

    /// <summary>Pages of 4 KiB in the log that are worth a checkpoint: pages that are written again and again are moved once.</summary>
    private const int Worthwhile = 4_000;

    private readonly SemaphoreSlim _one = new(1, 1);
    private SqliteSession? _session;
    private int _pages;
    private bool _disposed;

    /// <summary>Counts what a commit has written, and begins a checkpoint when there is enough. Called by the one writer.</summary>
    public void Committed(SqliteConnection writer)
    {
        raw.sqlite3_db_status(writer.Handle, PagesWritten, out var pages, out _, resetFlg: 1);
        _pages += pages;
        if (_pages >= Worthwhile && _one.Wait(0))
        {
            _pages = 0;
            _ = Task.Run(Run);
        }
    }

    /// <summary>Runs something while no checkpoint does.</summary>
    public T Without<T>(Func<T> work)
    {
        _one.Wait();
        try
        {
            return work();
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        _one.Wait();
        _disposed = true;
        _session?.Dispose();
        _one.Release();
    }

    private void Run()
    {
        try
        {
            if (!_disposed)
            {
                _session ??= open();
                _ = _session.Scalar("pragma wal_checkpoint(passive)");
            }
        }
        catch (Exception exception) when (exception is SqliteException or SlipwayException)
        {
            // Whatever keeps it from it meets the next commit too, which says so.
        }
        finally
        {
            _one.Release();
        }
    }
}
