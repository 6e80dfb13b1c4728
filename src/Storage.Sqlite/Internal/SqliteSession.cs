using Microsoft.Data.Sqlite;

namespace Slipway.Storage.Sqlite.Internal;

/// <summary>
/// A connection with its prepared statements. One user at a time. Parameters are $1, $2 … in the order given; a reader must be
/// disposed before the same statement runs again.
/// </summary>
/// <param name="connection">Open; disposed with the session.</param>
/// <param name="observe"><see cref="SqliteDatabase.Observe"/>; null for nobody.</param>
internal sealed class SqliteSession(SqliteConnection connection, Action<string>? observe = null) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _statements = new(StringComparer.Ordinal);

    public SqliteConnection Connection { get; } = connection;

    public SqliteTransaction? Transaction { get; set; }

    /// <summary>What the transaction changes that others may wait for; they are woken after the commit.</summary>
    public HashSet<ChangeTopic> Changed { get; } = [];

    public int Execute(string sql, params ReadOnlySpan<object?> arguments) => Prepare(sql, arguments).ExecuteNonQuery();

    public SqliteDataReader Query(string sql, params ReadOnlySpan<object?> arguments) =>
        Prepare(sql, arguments).ExecuteReader();

    /// <summary>The first column of the first row; null when there is no row or the value is NULL.</summary>
    public object? Scalar(string sql, params ReadOnlySpan<object?> arguments) =>
        Prepare(sql, arguments).ExecuteScalar() is var value && value is DBNull ? null : value;

    /// <summary>Says that a statement is about to run that is not run by this object, or what has become of one.</summary>
    public void Observe(string statement) => observe?.Invoke(statement);

    /// <summary>Runs a statement that is made for the occasion, and so is not kept.</summary>
    public T ReadOnce<T>(string sql, IReadOnlyList<object?> arguments, Func<SqliteDataReader, T> read)
    {
        using var statement = Connection.CreateCommand();
        statement.CommandText = sql;
        statement.Transaction = Transaction;
        for (var i = 0; i < arguments.Count; i++)
        {
            statement.Parameters.Add(new SqliteParameter("$" + (i + 1), arguments[i] ?? DBNull.Value));
        }

        observe?.Invoke(sql);
        using var reader = statement.ExecuteReader();
        return read(reader);
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        Connection.Dispose();
    }

    private SqliteCommand Prepare(string sql, ReadOnlySpan<object?> arguments)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            statement = Connection.CreateCommand();
            statement.CommandText = sql;
            for (var i = 1; i <= arguments.Length; i++)
            {
                statement.Parameters.Add(new SqliteParameter { ParameterName = "$" + i });
            }

            _statements.Add(sql, statement);
        }

        statement.Transaction = Transaction;
        for (var i = 0; i < arguments.Length; i++)
        {
            statement.Parameters[i].Value = arguments[i] ?? DBNull.Value;
        }

        observe?.Invoke(sql);
        return statement;
    }
}
