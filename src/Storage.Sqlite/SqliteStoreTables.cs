using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

/// <summary>The file as tables, to copy it or to copy to it.</summary>
internal sealed class SqliteStoreTables(SqliteDatabase database, bool ownsDatabase) : IStoreTables, IDisposable
{
    public string Name => "the SQLite file " + database.Path;

    public void Dispose()
    {
        if (ownsDatabase)
        {
            database.Dispose();
        }
    }

    public async ValueTask<IStoreTablesReader> OpenReaderAsync(CancellationToken cancellationToken = default) =>
        new Reader(database, await database.BeginReadAsync(cancellationToken).ConfigureAwait(false));

    public ValueTask BeginCopyAsync(string source, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            session =>
            {
                if (
                    session.Scalar("select 1 from store_copies where source = $1 and finished_at is null", source)
                    is not null
                )
                {
                    return;
                }

                if (
                    StoreTable.All.FirstOrDefault(table =>
                        session.Scalar($"select 1 from {table.Name} limit 1") is not null
                    ) is
                    { } table
                )
                {
                    throw new SlipwayException(
                        ErrorClass.Configuration,
                        $"{Name} is not empty: there are rows in {table}.",
                        "Copy to a file that does not exist yet. An interrupted copy goes on only from the source it was begun with."
                    );
                }

                session.Execute("insert into store_copies (source, started_at) values ($1, $2)", source, database.Now);
            },
            cancellationToken
        );

    public async ValueTask WriteAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        CancellationToken cancellationToken = default
    ) => await InsertAsync(table, rows, "", cancellationToken).ConfigureAwait(false);

    public ValueTask<int> AddMissingAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        CancellationToken cancellationToken = default
    ) => InsertAsync(table, rows, "on conflict do nothing", cancellationToken);

    private ValueTask<int> InsertAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        string onConflict,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            session =>
            {
                var written = table.Written(rows);
                var columns = written.Select(column => table.Columns[column].Name).ToList();
                var values = written.Select((_, i) => "$" + (i + 1)).ToList();
                if (table.Name == StoreTable.Indexes)
                {
                    columns.Add("bucket_size");
                    values.Add(SqliteIndexWriter.BucketSize.ToString(CultureInfo.InvariantCulture));
                }

                var insert =
                    $"insert into {table.Name} ({string.Join(", ", columns)}) values ({string.Join(", ", values)}) {onConflict}";
                return rows.Sum(row => session.Execute(insert, [.. written.Select(i => ToColumn(row[i]))]));
            },
            cancellationToken
        );

    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        var collections = await database
            .WriteAsync(
                session =>
                {
                    // Whoever has looked at the store meanwhile looks again.
                    session.Execute("update index_generations set revision = revision + 1");
                    return Collections(session);
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        var index = new SqliteSearchIndex(database);
        foreach (var collection in collections)
        {
            await index.MergeAsync(collection, cancellationToken).ConfigureAwait(false);
            await ((ISearchIndex)index).OptimizeAsync(collection, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask EndCopyAsync(string source, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            session =>
            {
                session.Execute("update store_copies set finished_at = $2 where source = $1", source, database.Now);
            },
            cancellationToken
        );

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    private static List<CollectionKey> Collections(SqliteSession session)
    {
        List<CollectionKey> collections = [];
        using var rows = session.Query("select tenant, collection from index_generations where state = 'live'");
        while (rows.Read())
        {
            collections.Add(new CollectionKey(rows.GetString(0), rows.GetString(1)));
        }

        return collections;
    }

    private static object? ToColumn(object? value) =>
        value switch
        {
            bool flag => flag ? 1L : 0L,
            DateTimeOffset time => time.ToUnixTimeMilliseconds(),
            float[] vector => MemoryMarshal.AsBytes<float>(vector).ToArray(),
            _ => value,
        };

    private sealed class Reader(SqliteDatabase database, SqliteRead read) : IStoreTablesReader
    {
        private const int PageRows = 500;

        public ValueTask<long> CountAsync(StoreTable table, CancellationToken cancellationToken = default) =>
            new(
                database.Guard(() =>
                    Convert.ToInt64(
                        read.Session.Scalar($"select count(*) from {Rows(table)}"),
                        CultureInfo.InvariantCulture
                    )
                )
            );

        public ValueTask<object?[]?> FindLastKeyAsync(
            StoreTable table,
            CancellationToken cancellationToken = default
        ) =>
            new(
                database.Guard(() =>
                {
                    var key = table.Key.Select(column => column.Name + " desc");
                    using var reader = read.Session.Query(
                        $"select {Names(table.Key)} from {Rows(table)} order by {string.Join(", ", key)} limit 1"
                    );
                    return reader.Read() ? Row(reader, table.Key) : null;
                })
            );

        public async IAsyncEnumerable<object?[]> ReadAsync(
            StoreTable table,
            object?[]? after,
            [EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            await Task.CompletedTask.ConfigureAwait(false);
            for (var rows = PageRows; rows == PageRows; )
            {
                rows = 0;
                foreach (var row in ReadPage(table, after))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    rows++;
                    after = row[..table.Key.Count];
                    yield return row;
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            read.Dispose();
            return default;
        }

        private IEnumerable<object?[]> ReadPage(StoreTable table, object?[]? after)
        {
            // By page, so that no sorting ever holds more than a page of rows.
            var where = after is null
                ? ""
                : $"where ({Names(table.Key)}) > ({string.Join(", ", after.Select((_, i) => "$" + (i + 1)))})";
            using var reader = database.Guard(() =>
                read.Session.Query(
                    $"select {Names(table.Columns)} from {Rows(table)} {where} order by {Names(table.Key)} limit {PageRows}",
                    after is null ? [] : Array.ConvertAll(after, ToColumn)
                )
            );
            while (database.Guard(reader.Read))
            {
                yield return Row(reader, table.Columns);
            }
        }

        private static string Names(IReadOnlyList<StoreColumn> columns) =>
            string.Join(", ", columns.Select(column => column.Name));

        private static string Rows(StoreTable table) =>
            table.Name switch
            {
                StoreTable.Indexes => "(select * from index_generations where state = 'live')",
                StoreTable.Postings => """
                    (select index_id, document_id, postings from lexical_documents merged
                    where index_id in (select id from index_generations where state = 'live') and not exists (
                        select 1 from lexical_deltas delta
                        where delta.index_id = merged.index_id and delta.document_id = merged.document_id)
                    union all
                    select index_id, document_id, postings from lexical_deltas
                    where index_id in (select id from index_generations where state = 'live') and postings is not null)
                    """,
                var name => name,
            };

        private static object?[] Row(SqliteDataReader reader, IReadOnlyList<StoreColumn> columns)
        {
            var row = new object?[columns.Count];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : Value(reader, i, columns[i].Type);
            }

            return row;
        }

        private static object Value(SqliteDataReader reader, int column, StoreColumnType type) =>
            type switch
            {
                // Older files may hold what other engines refuse.
                StoreColumnType.Text => StorableText.Of(reader.GetString(column)),
                StoreColumnType.Integer => reader.GetInt64(column),
                StoreColumnType.Real => reader.GetDouble(column),
                StoreColumnType.Boolean => reader.GetInt64(column) != 0,
                StoreColumnType.Time => DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column)),
                StoreColumnType.Bytes => reader.GetFieldValue<byte[]>(column),
                StoreColumnType.Vector => MemoryMarshal
                    .Cast<byte, float>(reader.GetFieldValue<byte[]>(column))
                    .ToArray(),
                _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
            };
    }
}
