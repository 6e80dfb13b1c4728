using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// The rows that a merge reads and writes by the hundred thousand: prepared statements of their own, because the driver's commands take
/// three times as long as the row itself.
/// </summary>
internal sealed class SqlitePostingsTable : IDisposable
{
    private readonly SqliteSession _session;
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _read;
    private readonly sqlite3_stmt _write;
    private readonly sqlite3_stmt _delete;

    public SqlitePostingsTable(SqliteSession session, long indexId)
    {
        _session = session;
        _database = session.Connection.Handle!;
        _read = Prepare("select data from lexical_postings where term = ?1 and bucket = ?2 and index_id = ?5", indexId);
        _write = Prepare(
            "insert or replace into lexical_postings (index_id, term, bucket, count, data) values (?5, ?1, ?2, ?3, ?4)",
            indexId
        );
        _delete = Prepare("delete from lexical_postings where term = ?1 and bucket = ?2 and index_id = ?5", indexId);
    }

    /// <summary>A term's list in a bucket; empty when there is none. Good until the next call.</summary>
    public ReadOnlySpan<byte> Read(ulong term, int bucket) =>
        Run(_read, term, bucket) == raw.SQLITE_ROW ? raw.sqlite3_column_blob(_read, 0) : default;

    public void Write(ulong term, int bucket, int count, ReadOnlySpan<byte> data)
    {
        if (count == 0)
        {
            Run(_delete, term, bucket);
            return;
        }

        Require(raw.sqlite3_reset(_write));
        Require(raw.sqlite3_bind_int(_write, 3, count));
        Require(raw.sqlite3_bind_blob(_write, 4, data));
        Run(_write, term, bucket);
    }

    public void Dispose()
    {
        _read.Dispose();
        _write.Dispose();
        _delete.Dispose();
    }

    private sqlite3_stmt Prepare(string sql, long indexId)
    {
        Require(raw.sqlite3_prepare_v2(_database, sql, out var statement));
        Require(raw.sqlite3_bind_int64(statement, 5, indexId));
        return statement;
    }

    private int Run(sqlite3_stmt statement, ulong term, int bucket)
    {
        Require(raw.sqlite3_reset(statement));
        Require(raw.sqlite3_bind_int64(statement, 1, unchecked((long)term)));
        Require(raw.sqlite3_bind_int(statement, 2, bucket));
        _session.Observe("lexical_postings");
        var result = raw.sqlite3_step(statement);
        if (result is not (raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            Require(result);
        }

        return result;
    }

    private void Require(int result) => SqliteException.ThrowExceptionForRC(result, _database);
}
