using System.Diagnostics.CodeAnalysis;
using Npgsql;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>
/// LISTEN on one connection for the whole process, from the first subscription on. A connection that is lost is made again; whoever
/// waits is woken then, for what happened meanwhile. Behind a pooler no notification arrives: subscriptions are woken at intervals.
/// </summary>
internal sealed class PostgresChangeSignal(PostgresDatabase database) : IChangeSignal, IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    // A connection that died without a word is noticed after this time.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _listening;

    /// <summary>Whether nobody can notify this process, so that it polls.</summary>
    internal bool IsPolling { get; private set; }

    public async ValueTask<IChangeSubscription> SubscribeAsync(
        ChangeTopic topic,
        CancellationToken cancellationToken = default
    )
    {
        await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        var subscription = database.Changes.Subscribe(topic);
        try
        {
            lock (_lock)
            {
                _listening ??= Task.Run(ListenAsync, CancellationToken.None);
            }

            // If the first try fails, the one that succeeds wakes everybody.
            await _tried.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return subscription;
        }
        catch
        {
            subscription.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_listening is not null)
        {
            await _listening.ConfigureAwait(false);
        }

        _stopping.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the connection, it is made again.")]
    private async Task ListenAsync()
    {
        var failures = 0;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var connection = await database.OpenDirectAsync(_stopping.Token).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    IsPolling = await IsPooledAsync(connection).ConfigureAwait(false);
                    if (!IsPolling)
                    {
                        await ListenAsync(connection, () => failures = 0).ConfigureAwait(false);
                    }
                }

                await PollAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception)
            {
                _tried.TrySetResult();
                var pause = Math.Min(
                    LongestPause.TotalMilliseconds,
                    ShortestPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures++, 20))
                );
                await Task.Delay(
                        TimeSpan.FromMilliseconds(pause * (0.5 + (Random.Shared.NextDouble() / 2))),
                        database.Time,
                        _stopping.Token
                    )
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Wakes who is meant, until the connection is lost.</summary>
    private async Task ListenAsync(NpgsqlConnection connection, Action listening)
    {
        connection.Notification += (_, notification) => database.Changes.Raise(notification.Payload);
        await ExecuteAsync(connection, $"listen {PostgresSession.Channel}", _stopping.Token).ConfigureAwait(false);
        try
        {
            listening();
            database.Changes.RaiseAll(); // what came while nobody listened
            _tried.TrySetResult();
            while (true)
            {
                if (!await connection.WaitAsync(Silence, _stopping.Token).ConfigureAwait(false))
                {
                    await ExecuteAsync(connection, "select 1", _stopping.Token).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                // A pool that lives on would keep it for a while, and the server would go on sending what nobody reads.
                await ExecuteAsync(connection, "unlisten *", CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task PollAsync()
    {
        _tried.TrySetResult();
        using var timer = new PeriodicTimer(PollInterval, database.Time);
        while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
        {
            database.Changes.RaiseAll();
        }
    }

    /// <summary>Whether a pooler answers: it gives its clients process numbers of its own.</summary>
    private async Task<bool> IsPooledAsync(NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand("select pg_backend_pid()", connection);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteScalarAsync(_stopping.Token).ConfigureAwait(false) is not int server
                || server != connection.ProcessID;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = (int)LongestPause.TotalSeconds };
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
