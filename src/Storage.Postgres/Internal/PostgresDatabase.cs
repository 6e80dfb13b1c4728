using Npgsql;
using Pgvector.Npgsql;
using Slipway.Internal;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>
/// The database: one pool for the work, a direct way around a pooler for the rest, migrations before the first use, and units of
/// work that are repeated when they lost a race or their connection.
/// </summary>
internal sealed class PostgresDatabase : IAsyncDisposable, IDisposable
{
    // 25 ms doubled up to 2 s, half of it left to chance: 8 s in all, enough for a server that restarts.
    private const int MaxAttempts = 12;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly PostgresStorageOptions _options;
    private readonly NpgsqlDataSource _dataSource;
    private readonly NpgsqlDataSource _direct;
    private readonly bool _ownsDataSource;
    private readonly SemaphoreSlim _initializing = new(1, 1);
    private volatile bool _isOpen;
    private string? _workingRole;

    /// <summary>A database by its connection string; the pool belongs to this object.</summary>
    public PostgresDatabase(PostgresStorageOptions options, TimeProvider timeProvider)
        : this(CreateDataSource(PostgresConnectionString.Parse(options)), ownsDataSource: true, options, timeProvider)
    { }

    /// <summary>A database by a pool, which must have been built with <c>UseVector()</c>.</summary>
    /// <param name="dataSource">The pool.</param>
    /// <param name="ownsDataSource">Whether the pool is disposed with this object.</param>
    /// <param name="options">The rest of the settings.</param>
    /// <param name="timeProvider">The clock of everything but leases.</param>
    public PostgresDatabase(
        NpgsqlDataSource dataSource,
        bool ownsDataSource,
        PostgresStorageOptions options,
        TimeProvider timeProvider
    )
    {
        (_options, _dataSource, _ownsDataSource, Time) = (options, dataSource, ownsDataSource, timeProvider);
        _direct = PostgresConnectionString.ParseDirect(options) is { } direct ? CreateDataSource(direct) : dataSource;
        Changes = new ChangeHub(timeProvider);
        Target = PostgresConnectionString.Describe(dataSource.ConnectionString);
    }

    public TimeProvider Time { get; }

    /// <summary>
    /// Told of each batch of statements before it is sent, and once more behind each commit: a test ends a process there by an exception.
    /// Null outside of tests.
    /// </summary>
    public Action<string>? Observe { get; init; }

    /// <summary>Who in this process waits for what.</summary>
    public ChangeHub Changes { get; }

    /// <summary>Host, port and database, for messages.</summary>
    public string Target { get; }

    /// <summary>Now by the application's clock, in the grain that every engine keeps: milliseconds.</summary>
    public DateTimeOffset Now => Columns.Grain(Time.GetUtcNow());

    /// <summary>Applies migrations and checks the database; later calls return at once.</summary>
    public async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        if (_isOpen)
        {
            return;
        }

        await _initializing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_isOpen)
            {
                await RepeatAsync(InitializeAsync, cancellationToken).ConfigureAwait(false);
                _isOpen = true;
            }
        }
        finally
        {
            _initializing.Release();
        }
    }

    /// <summary>
    /// Runs work in one transaction: committed when it returns, rolled back when it throws. The work is repeated from its start when the
    /// transaction lost a race or its connection, so it may do nothing but speak to the session.
    /// </summary>
    /// <param name="principal">Whose rows row-level security opens; null for none.</param>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Cancels the work; whether a commit that was under way took place is not known then.</param>
    public async ValueTask<T> WriteAsync<T>(
        Principal? principal,
        Func<PostgresSession, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        return await RepeatAsync(
                async cancellation =>
                {
                    var session = await PostgresSession
                        .BeginAsync(
                            _dataSource,
                            PostgresCaller.Of(principal, _workingRole),
                            write: true,
                            Observe,
                            cancellation
                        )
                        .ConfigureAwait(false);
                    await using (session.ConfigureAwait(false))
                    {
                        var result = await work(session).ConfigureAwait(false);
                        await CommitAsync(session).ConfigureAwait(false);
                        return result;
                    }
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public async ValueTask WriteAsync(
        Principal? principal,
        Func<PostgresSession, Task> work,
        CancellationToken cancellationToken
    ) =>
        await WriteAsync(
                principal,
                async session =>
                {
                    await work(session).ConfigureAwait(false);
                    return true;
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    /// <summary>Runs work on a snapshot: everything it reads belongs to one moment. It is repeated as a write is.</summary>
    public async ValueTask<T> ReadAsync<T>(
        Principal? principal,
        Func<PostgresSession, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        return await RepeatAsync(
                async cancellation =>
                {
                    var session = await PostgresSession
                        .BeginAsync(
                            _dataSource,
                            PostgresCaller.Of(principal, _workingRole),
                            write: false,
                            Observe,
                            cancellation
                        )
                        .ConfigureAwait(false);
                    await using (session.ConfigureAwait(false))
                    {
                        return await work(session).ConfigureAwait(false);
                    }
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <summary>Opens a snapshot that lasts until it is disposed. It holds a connection of the pool.</summary>
    public async ValueTask<PostgresSession> BeginReadAsync(Principal? principal, CancellationToken cancellationToken)
    {
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        return await RepeatAsync(
                cancellation =>
                    PostgresSession.BeginAsync(
                        _dataSource,
                        PostgresCaller.Of(principal, _workingRole),
                        write: false,
                        Observe,
                        cancellation
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <summary>A connection around the pooler, for what needs a session of its own. The caller disposes it.</summary>
    public ValueTask<NpgsqlConnection> OpenDirectAsync(CancellationToken cancellationToken)
    {
        Observe?.Invoke("connect");
        return _direct.OpenConnectionAsync(cancellationToken);
    }

    /// <summary>Runs work and turns the driver's errors into errors that name the database and the fix.</summary>
    public async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception exception) when (PostgresErrors.IsTheDatabases(exception))
        {
            throw PostgresErrors.Describe(exception, Target);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!ReferenceEquals(_direct, _dataSource))
        {
            await _direct.DisposeAsync().ConfigureAwait(false);
        }

        if (_ownsDataSource)
        {
            await _dataSource.DisposeAsync().ConfigureAwait(false);
        }

        _initializing.Dispose();
    }

    public void Dispose()
    {
        if (!ReferenceEquals(_direct, _dataSource))
        {
            _direct.Dispose();
        }

        if (_ownsDataSource)
        {
            _dataSource.Dispose();
        }

        _initializing.Dispose();
    }

    private async Task<bool> InitializeAsync(CancellationToken cancellationToken)
    {
        var connection = await _direct.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await PostgresMigrations
                .ApplyAsync(connection, _options.Migrate, Target, cancellationToken)
                .ConfigureAwait(false);
        }

        if (!await KnowsVectorAsync(cancellationToken).ConfigureAwait(false))
        {
            // A pool reads the types at its first connection; the extension may have come after.
            await _dataSource.ReloadTypesAsync(cancellationToken).ConfigureAwait(false);
            if (!await KnowsVectorAsync(cancellationToken).ConfigureAwait(false))
            {
                throw new SlipwayException(
                    ErrorClass.Configuration,
                    "The data source that was handed in does not know pgvector's types.",
                    "Call UseVector() of the package Pgvector on the NpgsqlDataSourceBuilder before Build()."
                );
            }
        }

        return true;
    }

    /// <summary>Whether the pool reads vectors; on the way it is found out which role works for a user.</summary>
    private async Task<bool> KnowsVectorAsync(CancellationToken cancellationToken)
    {
        var session = await PostgresSession
            .BeginAsync(_dataSource, PostgresCaller.Of(null, null), write: false, Observe, cancellationToken)
            .ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            _workingRole = await PostgresCaller.FindRoleAsync(session).ConfigureAwait(false);
            var reader = await session.QueryAsync("select '[1]'::vector").ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    _ = reader.GetFieldValue<Pgvector.Vector>(0);
                    return true;
                }
                catch (InvalidCastException)
                {
                    return false;
                }
            }
        }
    }

    /// <summary>Commits. When the connection is lost meanwhile, the server is asked what became of the transaction.</summary>
    private async Task CommitAsync(PostgresSession session)
    {
        try
        {
            await session.CommitAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
            when (session.TransactionId is not null
                && (PostgresErrors.IsConnectionLoss(exception) || PostgresErrors.IsTimeout(exception))
            )
        {
            if (!await IsCommittedAsync(session).ConfigureAwait(false))
            {
                throw; // rolled back for certain, so the work may be repeated
            }
        }
    }

    private async Task<bool> IsCommittedAsync(PostgresSession session)
    {
        try
        {
            return await RepeatAsync(
                    cancellation => IsCommittedAsync(session.TransactionId!, session.ServerLife!, cancellation),
                    session.CancellationToken
                )
                .ConfigureAwait(false);
        }
        catch (SlipwayException exception)
        {
            throw new SlipwayException(
                exception.Class,
                "The connection was lost during a commit, and it is not known whether it took place. "
                    + exception.Message,
                "Look whether the change is there before it is made again.",
                exception
            );
        }
    }

    private async Task<bool> IsCommittedAsync(
        string transactionId,
        string serverLife,
        CancellationToken cancellationToken
    )
    {
        var connection = await _dataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var command = new NpgsqlCommand(
                $"select pg_xact_status($1::xid8), {PostgresSession.ServerLifeSql}",
                connection
            )
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = transactionId } },
            };
            await using (command.ConfigureAwait(false))
            {
                try
                {
                    var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                        return (reader.NullableString(0), reader.GetString(1) == serverLife) switch
                        {
                            ("committed", true) => true,
                            ("aborted", _) => false,
                            // A crashed server gives the numbers again of which nothing had reached its disk.
                            ("committed", false) => throw new SlipwayException(
                                ErrorClass.Transient,
                                $"The server of {Target} has crashed, and the transaction's number may be another one's by now."
                            ),
                            // The server has not noticed yet that the client is gone.
                            _ => throw new NpgsqlException(
                                "The outcome of a transaction is not known yet.",
                                new IOException("The connection was lost during the commit.")
                            ),
                        };
                    }
                }
                catch (PostgresException exception)
                    when (exception.SqlState == PostgresErrorCodes.InvalidParameterValue)
                {
                    return false; // "is in the future": a crashed server never heard of it
                }
            }
        }
    }

    private async Task<T> RepeatAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await work(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (attempt < MaxAttempts && PostgresErrors.IsWorthRepeating(exception))
            {
                var pause = Math.Min(
                    LongestPause.TotalMilliseconds,
                    ShortestPause.TotalMilliseconds * Math.Pow(2, attempt - 1)
                );
                await Task.Delay(
                        TimeSpan.FromMilliseconds(pause * (0.5 + (Random.Shared.NextDouble() / 2))),
                        Time,
                        cancellationToken
                    )
                    .ConfigureAwait(false);
            }
            catch (Exception exception) when (PostgresErrors.IsTheDatabases(exception))
            {
                throw PostgresErrors.Describe(exception, Target);
            }
        }
    }

    private static NpgsqlDataSource CreateDataSource(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.UseVector();
        return builder.Build();
    }
}
