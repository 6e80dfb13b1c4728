using Npgsql;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>
/// A connection inside a transaction, for one user at a time. Parameters are $1, $2 … in the order given. What is queued travels
/// with the next statement: a unit of work costs as many round trips as it needs answers.
/// </summary>
internal sealed class PostgresSession : IAsyncDisposable
{
    /// <summary>Where the database's notifications are sent.</summary>
    public const string Channel = "slipway";

    /// <summary>
    /// A text that changes when the server has crashed, and hardly ever otherwise: crash recovery throws statistics away. A clean restart
    /// keeps them, and the numbers of transactions as well.
    /// </summary>
    public const string ServerLifeSql = "coalesce(pg_stat_get_bgwriter_stat_reset_time()::text, '')";

    private readonly NpgsqlTransaction _transaction;
    private readonly Action<string>? _observe;
    private NpgsqlBatch? _queued;
    private bool _firstAnswerIsOurs;

    private PostgresSession(
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        Action<string>? observe,
        CancellationToken cancellationToken
    )
    {
        Connection = connection;
        _transaction = transaction;
        _observe = observe;
        CancellationToken = cancellationToken;
    }

    public NpgsqlConnection Connection { get; }

    /// <summary>Of the unit of work; every call of this session observes it.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The server's number of a writing transaction; null before its first statement was answered, and in a read.</summary>
    public string? TransactionId { get; private set; }

    /// <summary>What the transaction changes that others may wait for; the server wakes them when it has committed.</summary>
    public HashSet<ChangeTopic> Changed { get; } = [];

    /// <summary>The server's life that gave the number: another one, after a crash, may give it again.</summary>
    public string? ServerLife { get; private set; }

    /// <summary>Opens a connection and a transaction; both reach the server together with the first statement.</summary>
    /// <param name="dataSource">The pool.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="write">Whether anything is changed.</param>
    /// <param name="observe"><see cref="PostgresDatabase.Observe"/>; null for nobody.</param>
    /// <param name="cancellationToken">Of the unit of work.</param>
    public static async Task<PostgresSession> BeginAsync(
        NpgsqlDataSource dataSource,
        PostgresCaller caller,
        bool write,
        Action<string>? observe,
        CancellationToken cancellationToken
    )
    {
        var connection = await dataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var transaction = await connection
                .BeginTransactionAsync(
                    // A read is one moment; writers see each other's commits and lock what they decide on.
                    write ? System.Data.IsolationLevel.ReadCommitted : System.Data.IsolationLevel.RepeatableRead,
                    cancellationToken
                )
                .ConfigureAwait(false);
            var session = new PostgresSession(connection, transaction, observe, cancellationToken);
            session.Introduce(caller, write);
            return session;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Sends a statement later, with the next one or at the commit. It must not return rows.</summary>
    /// <returns>What tells, after it was sent, how many rows it changed.</returns>
    public NpgsqlBatchCommand Queue(string sql, params object?[] arguments)
    {
        var command = new NpgsqlBatchCommand(sql);
        // A single array of texts would pass for the list of arguments itself.
        foreach (var argument in arguments.GetType() == typeof(object[]) ? arguments : [arguments])
        {
            command.Parameters.Add(
                argument as NpgsqlParameter ?? new NpgsqlParameter { Value = argument ?? DBNull.Value }
            );
        }

        (_queued ??= Connection.CreateBatch()).BatchCommands.Add(command);
        return command;
    }

    /// <returns>How many rows the statement changed.</returns>
    public async Task<int> ExecuteAsync(string sql, params object?[] arguments)
    {
        var command = Queue(sql, arguments);
        await FlushAsync().ConfigureAwait(false);
        return checked((int)command.RecordsAffected);
    }

    /// <summary>Runs a query. The caller disposes the reader before the next statement.</summary>
    public Task<NpgsqlDataReader> QueryAsync(string sql, params object?[] arguments)
    {
        Queue(sql, arguments);
        return SendAsync();
    }

    /// <summary>The first column of the first row; null when there is no row or the value is NULL.</summary>
    public async Task<object?> ScalarAsync(string sql, params object?[] arguments)
    {
        var reader = await QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return
                await reader.ReadAsync(CancellationToken).ConfigureAwait(false)
                && !await reader.IsDBNullAsync(0, CancellationToken).ConfigureAwait(false)
                ? reader.GetValue(0)
                : null;
        }
    }

    /// <summary>Sends what is queued and waits until it is done; needed before a COPY.</summary>
    public async Task FlushAsync()
    {
        if (_queued is not null)
        {
            var reader = await SendAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.NextResultAsync(CancellationToken).ConfigureAwait(false)) { }
            }
        }
    }

    public async Task CommitAsync()
    {
        if (Changed.Count > 0)
        {
            Queue(
                $"select pg_notify('{Channel}', topic) from unnest($1) topic",
                [Changed.Select(topic => topic.Key).ToArray()]
            );
        }

        await FlushAsync().ConfigureAwait(false);
        _observe?.Invoke("commit");
        await _transaction.CommitAsync(CancellationToken).ConfigureAwait(false);
        _observe?.Invoke("committed");
    }

    /// <summary>Rolls back what was not committed and gives the connection back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync().ConfigureAwait(false);
        await Connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// The first statement says who asks. It is set for the transaction alone, so a pooled connection never carries it on; nobody is
    /// said as well, in case somebody set one for the whole session.
    /// </summary>
    private void Introduce(PostgresCaller caller, bool write)
    {
        var number = write ? $"pg_current_xact_id()::text, {ServerLifeSql}" : "null, null";
        if (caller.Role is null)
        {
            _ = Queue($"select {number}, set_config('slipway.principal', $1, true)", caller.Setting);
        }
        else
        {
            Queue(
                $"select {number}, set_config('slipway.principal', $1, true), set_config('role', $2, true)",
                caller.Setting,
                caller.Role
            );
        }

        _firstAnswerIsOurs = true;
    }

    private async Task<NpgsqlDataReader> SendAsync()
    {
        var batch = _queued!;
        _queued = null;
        _observe?.Invoke(batch.BatchCommands[^1].CommandText);
        var reader = await batch.ExecuteReaderAsync(CancellationToken).ConfigureAwait(false);
        try
        {
            if (_firstAnswerIsOurs)
            {
                _firstAnswerIsOurs = false;
                await reader.ReadAsync(CancellationToken).ConfigureAwait(false);
                (TransactionId, ServerLife) = reader.IsDBNull(0)
                    ? (null, null)
                    : (reader.GetString(0), reader.GetString(1));
                await reader.NextResultAsync(CancellationToken).ConfigureAwait(false);
            }

            return reader;
        }
        catch
        {
            await reader.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
