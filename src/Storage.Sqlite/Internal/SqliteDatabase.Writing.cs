using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.Data.Sqlite;

namespace Slipway.Storage.Sqlite.Internal;

// The one writer.
internal sealed partial class SqliteDatabase
{
    /// <summary>Pieces of work in one transaction; nobody shall wait long for what others write.</summary>
    private const int MaxGroup = 64;

    private readonly ConcurrentQueue<SqliteWrite> _waiting = [];

    /// <summary>
    /// Runs work in a write transaction (BEGIN IMMEDIATE): committed when it returns, rolled back when it throws. What comes while another
    /// transaction is being written waits, and is then committed together: one by one would write the same pages again and again.
    /// </summary>
    public ValueTask<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken) =>
        QueueAsync(new SqliteWrite<T>(work), cancellationToken);

    /// <summary>Runs work that writes much: in a transaction of its own.</summary>
    public ValueTask<T> WriteMuchAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken) =>
        QueueAsync(new SqliteWrite<T>(work) { IsLarge = true }, cancellationToken);

    private async ValueTask<T> QueueAsync<T>(SqliteWrite<T> write, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        _waiting.Enqueue(write);
        try
        {
            await _writerQueue.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (write.TryTake())
            {
                throw;
            }

            await _writerQueue.WaitAsync(CancellationToken.None).ConfigureAwait(false); // it is being written
        }

        try
        {
            while (!write.IsTaken)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                WriteGroup(_writer!);
            }
        }
        finally
        {
            _writerQueue.Release();
        }

        return write.Result;
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public async ValueTask WriteAsync(Action<SqliteSession> work, CancellationToken cancellationToken) =>
        await WriteAsync(
                session =>
                {
                    work(session);
                    return true;
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    private void WriteGroup(SqliteSession session)
    {
        var group = new List<SqliteWrite>();
        while (group.Count < MaxGroup && _waiting.TryPeek(out var next) && !(next.IsLarge && group.Count > 0))
        {
            _waiting.TryDequeue(out _); // nobody else takes from the queue
            if (!next.TryTake())
            {
                continue; // it was cancelled
            }

            group.Add(next);
            if (next.IsLarge)
            {
                break;
            }
        }

        try
        {
            Guard(() => WriteGroup(session, group));
        }
        catch (Exception exception)
        {
            group.ForEach(write => write.Fail(exception));
        }
    }

    private bool WriteGroup(SqliteSession session, List<SqliteWrite> group)
    {
        session.Observe("begin immediate");
        using var transaction = session.Connection.BeginTransaction();
        session.Transaction = transaction;
        var changed = new HashSet<ChangeTopic>();
        try
        {
            foreach (var write in group)
            {
                session.Changed.Clear();
                if (group.Count == 1)
                {
                    write.Run(session);
                }
                else if (!TryRun(session, transaction, write))
                {
                    continue;
                }

                changed.UnionWith(session.Changed);
            }

            session.Observe("commit");
            transaction.Commit();
            session.Observe("committed");
            _checkpoints.Committed(session.Connection);
        }
        finally
        {
            session.Transaction = null;
            session.Changed.Clear();
        }

        foreach (var topic in changed)
        {
            Changes.Raise(topic.Key);
        }

        return true;
    }

    /// <summary>One of several: what it has written goes when it fails, what the others have written stays.</summary>
    private bool TryRun(SqliteSession session, SqliteTransaction transaction, SqliteWrite write)
    {
        const string Savepoint = "work";
        transaction.Save(Savepoint);
        try
        {
            Guard(() =>
            {
                write.Run(session);
                return true;
            });
        }
        catch (Exception exception)
        {
            try
            {
                transaction.Rollback(Savepoint);
                transaction.Release(Savepoint);
            }
            catch (Exception gone) when (gone is SqliteException or InvalidOperationException)
            {
                ExceptionDispatchInfo.Throw(exception); // SQLite has given the whole transaction up, as it does on a full disk
            }

            write.Fail(exception);
            return false;
        }

        transaction.Release(Savepoint);
        return true;
    }
}
