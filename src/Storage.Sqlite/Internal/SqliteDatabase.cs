using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Slipway.Internal;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>
/// The file: one writer at a time in this process (a queue, so that SQLite's own lock is only ever contended by other processes),
/// any number of readers, migrations before the first use.
/// </summary>
internal sealed partial class SqliteDatabase : IDisposable
{
    private readonly SqliteStorageOptions _options;
    private readonly string _connectionString;
    private readonly SemaphoreSlim _writerQueue = new(1, 1);
    private readonly SemaphoreSlim _initializing = new(1, 1);
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private readonly SqliteCheckpoints _checkpoints;
    private SqliteSession? _writer;
    private volatile bool _disposed;

    public SqliteDatabase(SqliteStorageOptions options, TimeProvider timeProvider)
    {
        _options = options;
        Time = timeProvider;
        Changes = new ChangeHub(timeProvider);
        _checkpoints = new SqliteCheckpoints(OpenSession);
        Path = System.IO.Path.GetFullPath(options.Path);
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = Path,
            Pooling = false, // sessions are kept here, with their prepared statements
            DefaultTimeout = Math.Max(1, (int)Math.Ceiling(options.BusyTimeout.TotalSeconds)),
        }.ToString();
    }

    public string Path { get; }

    public bool IsDisposed => _disposed;

    public TimeProvider Time { get; }

    /// <summary>
    /// Told of each statement before it runs, and once more behind each commit: a test ends a process there by an exception. Null outside
    /// of tests.
    /// </summary>
    public Action<string>? Observe { get; init; }

    /// <summary>Who in this process waits for what.</summary>
    public ChangeHub Changes { get; }

    /// <summary>Now, in the unit of every time column.</summary>
    public long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Opens the file and applies migrations; later calls return at once.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_writer is not null)
        {
            return;
        }

        await _initializing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_writer is null)
            {
                _writer = Guard(() =>
                {
                    Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
                    var session = OpenSession();
                    try
                    {
                        SqliteMigrations.Apply(session, Now);
                        return session;
                    }
                    catch
                    {
                        session.Dispose();
                        throw;
                    }
                });
            }
        }
        finally
        {
            _initializing.Release();
        }
    }

    /// <summary>Runs work on a snapshot: everything it reads belongs to one moment.</summary>
    public async ValueTask<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        using var read = await BeginReadAsync(cancellationToken).ConfigureAwait(false);
        return Guard(() => work(read.Session));
    }

    /// <summary>Opens a snapshot that lasts until it is disposed.</summary>
    public async ValueTask<SqliteRead> BeginReadAsync(CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        return Guard(() =>
        {
            Observe?.Invoke("begin");
            var session = _readers.TryTake(out var kept) ? kept : OpenSession();
            session.Transaction = session.Connection.BeginTransaction(deferred: true);
            return new SqliteRead(this, session);
        });
    }

    /// <summary>A number that another process's commit changes, and this process's own does not.</summary>
    public async ValueTask<long> ReadDataVersionAsync(CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        await _writerQueue.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // https://www.sqlite.org/pragma.html#pragma_data_version: only commits of other connections count, so it is the writer's.
            return Guard(() => (long)_writer!.Scalar("pragma data_version")!);
        }
        finally
        {
            _writerQueue.Release();
        }
    }

    /// <summary>Writes the file anew without its free space and empties the log: what was deleted is in neither of them any more.</summary>
    /// <returns>False when somebody kept reading an older moment, which the log has to keep.</returns>
    public async ValueTask<bool> CompactAsync(CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        await _writerQueue.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Guard(() =>
            {
                using var session = OpenSession();
                using var vacuum = session.Connection.CreateCommand();
                vacuum.CommandTimeout = 0;
                // The copy that VACUUM makes is as large as the file: not in memory.
                vacuum.CommandText = string.Create(
                    CultureInfo.InvariantCulture,
                    $"pragma temp_store = file; pragma busy_timeout = {(long)_options.BusyTimeout.TotalMilliseconds}; vacuum"
                );
                vacuum.ExecuteNonQuery();
                return _checkpoints.Without(() => session.Scalar("pragma wal_checkpoint(truncate)") is 0L);
            });
        }
        finally
        {
            _writerQueue.Release();
        }
    }

    /// <summary>Runs work and turns the driver's errors into errors that name the file and the fix.</summary>
    public T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException exception)
        {
            throw SqliteErrors.Describe(exception, Path);
        }
        catch (InvalidDataException exception)
        {
            throw SqliteErrors.Describe(exception, Path);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw SqliteErrors.Describe(exception, Path);
        }
    }

    /// <summary>Waits for a transaction that is being written; whoever waits for the writer is told that it is gone.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _writerQueue.Wait();
        try
        {
            while (_readers.TryTake(out var session))
            {
                session.Dispose();
            }

            _checkpoints.Dispose();
            _writer?.Dispose();
        }
        finally
        {
            _writerQueue.Release(); // not disposed: then those who wait for it would wait for ever
        }

        _initializing.Dispose();
    }

    internal void Return(SqliteSession session)
    {
        session.Transaction?.Dispose();
        session.Transaction = null;
        if (_disposed)
        {
            session.Dispose();
        }
        else
        {
            _readers.Add(session);
        }
    }

    private SqliteSession OpenSession()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            connection.CreateFunction("slipway_now", () => Now);
            using var pragmas = connection.CreateCommand();
            // The driver looks at a lock again every 150 ms; SQLite itself begins with one, so that many processes get their turns.
            pragmas.CommandText = string.Create(
                CultureInfo.InvariantCulture,
                $"""
                pragma busy_timeout = {(long)_options.BusyTimeout.TotalMilliseconds};
                pragma wal_autocheckpoint = 16000; -- pages, 64 MB: the bound, see SqliteCheckpoints
                pragma journal_mode = wal; pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -8000;
                pragma synchronous = {(_options.FlushEveryCommit ? "full" : "normal")};
                """
            );
            pragmas.ExecuteNonQuery();
            return new SqliteSession(connection, Observe);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}

/// <summary>A snapshot; disposing it gives the session back.</summary>
internal sealed class SqliteRead(SqliteDatabase database, SqliteSession session) : IDisposable
{
    private bool _disposed;

    public SqliteSession Session { get; } = session;

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            database.Return(Session);
        }
    }
}
