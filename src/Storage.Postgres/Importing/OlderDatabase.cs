using System.Runtime.CompilerServices;
using Npgsql;
using Pgvector.Npgsql;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Importing;

/// <summary>The older system's tables, read as one moment.</summary>
internal sealed class OlderDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _dataSource;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;
    private readonly string _schema;

    private OlderDatabase(
        NpgsqlDataSource dataSource,
        NpgsqlConnection connection,
        NpgsqlTransaction transaction,
        string schema
    )
    {
        (_dataSource, _connection, _transaction, _schema) = (dataSource, connection, transaction, schema);
        Target = PostgresConnectionString.Describe(connection.ConnectionString);
    }

    /// <summary>Host, port and database, for messages.</summary>
    public string Target { get; }

    public static async Task<OlderDatabase> OpenAsync(OlderImportOptions options, CancellationToken cancellationToken)
    {
        var connectionString = PostgresConnectionString.Parse(
            new PostgresStorageOptions { ConnectionString = options.ConnectionString }
        );
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.UseVector();
        var dataSource = builder.Build();
        try
        {
            var connection = await dataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            var transaction = await connection
                .BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken)
                .ConfigureAwait(false);
            var older = new OlderDatabase(dataSource, connection, transaction, options.Schema);
            // Rows that a policy hides are an error then, not a loss.
            await older.ExecuteAsync("set local row_security = off", cancellationToken).ConfigureAwait(false);
            await older.ExecuteAsync("set transaction read only", cancellationToken).ConfigureAwait(false);
            return older;
        }
        catch (Exception exception)
        {
            await dataSource.DisposeAsync().ConfigureAwait(false);
            throw PostgresErrors.IsTheDatabases(exception)
                ? PostgresErrors.Describe(exception, PostgresConnectionString.Describe(connectionString))
                : exception;
        }
    }

    /// <summary>Whether there is such a table; parts of the older system were optional.</summary>
    /// <exception cref="SlipwayException">It is a view: the compatibility scripts', over Slipway's own tables.</exception>
    public async Task<bool> HasAsync(string table, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand("select relkind = 'v' from pg_class where oid = to_regclass($1)", _connection)
        {
            Parameters = { new() { Value = Qualified(table) } },
        };
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not bool isView ? false
                : !isView ? true
                : throw new SlipwayException(
                    ErrorClass.Configuration,
                    $"{_schema}.{table} is a view, not the older system's table.",
                    "Name the schema that the older tables were moved to."
                );
        }
    }

    /// <summary>
    /// The rows of a query, streamed. In it <c>{table}</c> stands for a table of the older system.
    /// </summary>
    public async IAsyncEnumerable<NpgsqlDataReader> ReadAsync(
        string sql,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        foreach (
            var table in (string[])
                [
                    "user_profiles",
                    "requests",
                    "conversations",
                    "messages",
                    "document_metadata",
                    "document_rows",
                    "documents",
                    "rag_pipeline_state",
                ]
        )
        {
            sql = sql.Replace($"{{{table}}}", Qualified(table), StringComparison.Ordinal);
        }

        // Sorting a large table may take longer than a query of the application ever should.
        var command = new NpgsqlCommand(sql, _connection) { CommandTimeout = 0 };
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    yield return reader;
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _dataSource.DisposeAsync().ConfigureAwait(false);
    }

    private string Qualified(string table) =>
        $"\"{_schema.Replace("\"", "\"\"", StringComparison.Ordinal)}\".\"{table}\"";

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, _connection);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
