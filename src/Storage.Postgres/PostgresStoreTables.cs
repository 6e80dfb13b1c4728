using System.Globalization;
using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using Pgvector;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

/// <summary>The database as tables, to copy it or to copy to it.</summary>
internal sealed class PostgresStoreTables(PostgresDatabase database, bool ownsDatabase) : IStoreTables, IDisposable
{
    private readonly Dictionary<string, TargetTable> _targets = new(StringComparer.Ordinal);

    public string Name => "the PostgreSQL database " + database.Target;

    public void Dispose()
    {
        if (ownsDatabase)
        {
            database.Dispose();
        }
    }

    public async ValueTask<IStoreTablesReader> OpenReaderAsync(CancellationToken cancellationToken = default)
    {
        var session = await database.BeginReadAsync(null, cancellationToken).ConfigureAwait(false);
        try
        {
            await database.GuardAsync(() => RequireAllRowsAsync(session)).ConfigureAwait(false);
            return new Reader(database, session);
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask BeginCopyAsync(string source, CancellationToken cancellationToken = default) =>
        database.WriteAsync(
            null,
            async session =>
            {
                await RequireAllRowsAsync(session).ConfigureAwait(false);
                if (
                    await session
                        .ScalarAsync(
                            "select 1 from slipway.store_copies where source = $1 and finished_at is null",
                            source
                        )
                        .ConfigureAwait(false)
                    is not null
                )
                {
                    return;
                }

                foreach (var table in StoreTable.All)
                {
                    if (
                        await session.ScalarAsync($"select 1 from slipway.{table} limit 1").ConfigureAwait(false)
                        is not null
                    )
                    {
                        throw new SlipwayException(
                            ErrorClass.Configuration,
                            $"{Name} is not empty: there are rows in {table}.",
                            "Copy to a new database. An interrupted copy goes on only from the source it was begun with."
                        );
                    }
                }

                session.Queue(
                    "insert into slipway.store_copies (source, started_at) values ($1, $2)",
                    source,
                    database.Now
                );
            },
            cancellationToken
        );

    public async ValueTask WriteAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        CancellationToken cancellationToken = default
    ) => await InsertAsync(table, rows, addMissing: false, cancellationToken).ConfigureAwait(false);

    public ValueTask<int> AddMissingAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        CancellationToken cancellationToken = default
    ) => InsertAsync(table, rows, addMissing: true, cancellationToken);

    private ValueTask<int> InsertAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        bool addMissing,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            null,
            async session =>
            {
                var target = await FindTargetAsync(session, table).ConfigureAwait(false);
                var written = table.Written(rows);
                var names = string.Join(", ", written.Select(i => table.Columns[i].Name));
                if (table.Name == StoreTable.Indexes)
                {
                    names += ", bucket_size";
                }

                // COPY takes no rows where row-level security may look at them, and stops at one that is there; an insert does not.
                if (!addMissing && !target.HasRowSecurity)
                {
                    await session.FlushAsync().ConfigureAwait(false);
                    await CopyInAsync($"slipway.{table}").ConfigureAwait(false);
                    return rows.Count;
                }

                await session
                    .ExecuteAsync(
                        $"create temp table copied on commit drop as select {names} from slipway.{table} where false"
                    )
                    .ConfigureAwait(false);
                await CopyInAsync("pg_temp.copied").ConfigureAwait(false);
                return await session
                    .ExecuteAsync(
                        $"insert into slipway.{table} ({names}) select {names} from pg_temp.copied {(addMissing ? "on conflict do nothing" : "")}"
                    )
                    .ConfigureAwait(false);

                async Task CopyInAsync(string into)
                {
                    var importer = await session
                        .Connection.BeginBinaryImportAsync(
                            $"copy {into} ({names}) from stdin (format binary)",
                            session.CancellationToken
                        )
                        .ConfigureAwait(false);
                    await using (importer.ConfigureAwait(false))
                    {
                        foreach (var row in rows)
                        {
                            await importer.StartRowAsync(session.CancellationToken).ConfigureAwait(false);
                            foreach (var i in written)
                            {
                                await WriteValueAsync(importer, row[i], target.Types[i], session.CancellationToken)
                                    .ConfigureAwait(false);
                            }

                            if (table.Name == StoreTable.Indexes)
                            {
                                await importer
                                    .WriteAsync(
                                        PostgresIndexWriter.BucketSize,
                                        NpgsqlDbType.Integer,
                                        session.CancellationToken
                                    )
                                    .ConfigureAwait(false);
                            }
                        }

                        await importer.CompleteAsync(session.CancellationToken).ConfigureAwait(false);
                    }
                }
            },
            cancellationToken
        );

    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        var collections = await database
            .WriteAsync(
                null,
                async session =>
                {
                    foreach (var table in StoreTable.All)
                    {
                        if (table.Key is [{ Type: StoreColumnType.Integer } key])
                        {
                            session.Queue(
                                $"""
                                do $$ begin perform setval(pg_get_serial_sequence('slipway.{table}', '{key.Name}'), max({key.Name}))
                                from slipway.{table} having max({key.Name}) is not null; end $$
                                """
                            );
                        }
                    }

                    session.Queue(
                        """
                        insert into slipway.embedding_models (model, dimensions, created_at)
                        select distinct on (model) model, dimensions, created_at from slipway.embeddings order by model, created_at
                        on conflict do nothing
                        """
                    );
                    await session.FlushAsync().ConfigureAwait(false);
                    return await CollectionsAsync(session).ConfigureAwait(false);
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        var index = new PostgresSearchIndex(database);
        foreach (var collection in collections)
        {
            await index.MergeAsync(collection, cancellationToken).ConfigureAwait(false);
        }

        // So that the first queries are planned for what is there now.
        await AnalyzeAsync(cancellationToken).ConfigureAwait(false);
        foreach (var collection in collections)
        {
            await ((ISearchIndex)index).OptimizeAsync(collection, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask EndCopyAsync(string source, CancellationToken cancellationToken = default) =>
        await database
            .WriteAsync(
                null,
                session =>
                    session.ExecuteAsync(
                        "update slipway.store_copies set finished_at = $2 where source = $1",
                        source,
                        database.Now
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);

    public ValueTask DisposeAsync() => ownsDatabase ? database.DisposeAsync() : default;

    private async Task AnalyzeAsync(CancellationToken cancellationToken) =>
        await database
            .WriteAsync(
                null,
                session =>
                    session.ExecuteAsync(
                        "analyze " + string.Join(", ", StoreTable.All.Select(table => "slipway." + table.Name))
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);

    private static async Task<List<CollectionKey>> CollectionsAsync(PostgresSession session)
    {
        List<CollectionKey> collections = [];
        var reader = await session
            .QueryAsync("select tenant, collection from slipway.index_generations where state = 'live'")
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                collections.Add(new CollectionKey(reader.GetString(0), reader.GetString(1)));
            }
        }

        return collections;
    }

    /// <summary>Row-level security would leave rows out without a word, so it must let this login see everybody's.</summary>
    private async Task<bool> RequireAllRowsAsync(PostgresSession session) =>
        await PostgresCaller.SeesAllRowsAsync(session).ConfigureAwait(false)
            ? true
            : throw new SlipwayException(
                ErrorClass.Authentication,
                $"This login sees only some of the rows of {Name}.",
                "Copy from it with a login of slipway_owner or slipway_background, and to it with one of slipway_owner."
            );

    private async Task<TargetTable> FindTargetAsync(PostgresSession session, StoreTable table)
    {
        if (_targets.TryGetValue(table.Name, out var known))
        {
            return known;
        }

        Dictionary<string, string> types = new(StringComparer.Ordinal);
        var hasRowSecurity = false;
        var reader = await session
            .QueryAsync(
                """
                select attname::text, format_type(atttypid, null), relrowsecurity from pg_attribute join pg_class on pg_class.oid = attrelid
                where attrelid = $1::text::regclass and attnum > 0 and not attisdropped
                """,
                "slipway." + table.Name
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                types.Add(reader.GetString(0), reader.GetString(1));
                hasRowSecurity = reader.GetBoolean(2);
            }
        }

        return _targets[table.Name] = new TargetTable(
            [.. table.Columns.Select(column => types[column.Name])],
            hasRowSecurity
        );
    }

    // A binary COPY converts nothing: each value is of its column's own type.
    private static Task WriteValueAsync(
        NpgsqlBinaryImporter importer,
        object? value,
        string type,
        CancellationToken cancellationToken
    ) =>
        value switch
        {
            null => importer.WriteNullAsync(cancellationToken),
            string text => importer.WriteAsync(text, NpgsqlDbType.Text, cancellationToken),
            long number when type == "integer" => importer.WriteAsync(
                checked((int)number),
                NpgsqlDbType.Integer,
                cancellationToken
            ),
            long number => importer.WriteAsync(number, NpgsqlDbType.Bigint, cancellationToken),
            double number => importer.WriteAsync(number, NpgsqlDbType.Double, cancellationToken),
            bool flag => importer.WriteAsync(flag, NpgsqlDbType.Boolean, cancellationToken),
            DateTimeOffset time => importer.WriteAsync(time, NpgsqlDbType.TimestampTz, cancellationToken),
            byte[] content => importer.WriteAsync(content, NpgsqlDbType.Bytea, cancellationToken),
            float[] vector => importer.WriteAsync(new Vector(vector), cancellationToken),
            _ => throw new ArgumentException($"No column holds a {value.GetType().Name}.", nameof(value)),
        };

    private sealed record TargetTable(IReadOnlyList<string> Types, bool HasRowSecurity);

    private sealed class Reader(PostgresDatabase database, PostgresSession session) : IStoreTablesReader
    {
        private const int PageRows = 500;

        public async ValueTask<long> CountAsync(StoreTable table, CancellationToken cancellationToken = default) =>
            Convert.ToInt64(
                await database
                    .GuardAsync(() => session.ScalarAsync($"select count(*) from {Rows(table)}"))
                    .ConfigureAwait(false),
                CultureInfo.InvariantCulture
            );

        public async ValueTask<object?[]?> FindLastKeyAsync(
            StoreTable table,
            CancellationToken cancellationToken = default
        ) =>
            await database
                .GuardAsync(async () =>
                {
                    var key = table.Key.Select(column => column.Name + " desc");
                    var reader = await session
                        .QueryAsync(
                            $"select {Names(table.Key)} from {Rows(table)} order by {string.Join(", ", key)} limit 1"
                        )
                        .ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
                            ? Row(reader, table.Key)
                            : null;
                    }
                })
                .ConfigureAwait(false);

        public async IAsyncEnumerable<object?[]> ReadAsync(
            StoreTable table,
            object?[]? after,
            [EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            for (var rows = PageRows; rows == PageRows; )
            {
                rows = 0;
                var reader = await database.GuardAsync(() => OpenPageAsync(table, after)).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    while (await database.GuardAsync(() => reader.ReadAsync(cancellationToken)).ConfigureAwait(false))
                    {
                        rows++;
                        var row = Row(reader, table.Columns);
                        after = row[..table.Key.Count];
                        yield return row;
                    }
                }
            }
        }

        public ValueTask DisposeAsync() => session.DisposeAsync();

        // By page, so that no sorting ever holds more than a page of rows.
        private Task<NpgsqlDataReader> OpenPageAsync(StoreTable table, object?[]? after)
        {
            var where = after is null
                ? ""
                : $"where ({Names(table.Key)}) > ({string.Join(", ", after.Select((_, i) => "$" + (i + 1)))})";
            return session.QueryAsync(
                $"select {Names(table.Columns)} from {Rows(table)} {where} order by {Names(table.Key)} limit {PageRows}",
                after ?? []
            );
        }

        private static string Names(IReadOnlyList<StoreColumn> columns) =>
            string.Join(", ", columns.Select(column => column.Name));

        private static string Rows(StoreTable table) =>
            table.Name switch
            {
                StoreTable.Indexes => "(select * from slipway.index_generations where state = 'live') live",
                StoreTable.Postings => """
                    (select index_id, document_id, postings from slipway.lexical_documents merged
                    where index_id in (select id from slipway.index_generations where state = 'live') and not exists (
                        select from slipway.lexical_deltas delta
                        where delta.index_id = merged.index_id and delta.document_id = merged.document_id)
                    union all
                    select index_id, document_id, postings from slipway.lexical_deltas
                    where index_id in (select id from slipway.index_generations where state = 'live') and postings is not null) live
                    """,
                var name => "slipway." + name,
            };

        private static object?[] Row(NpgsqlDataReader reader, IReadOnlyList<StoreColumn> columns)
        {
            var row = new object?[columns.Count];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : Value(reader, i, columns[i].Type);
            }

            return row;
        }

        private static object Value(NpgsqlDataReader reader, int column, StoreColumnType type) =>
            type switch
            {
                StoreColumnType.Text => reader.GetString(column),
                StoreColumnType.Integer => Convert.ToInt64(reader.GetValue(column), CultureInfo.InvariantCulture),
                StoreColumnType.Real => reader.GetDouble(column),
                StoreColumnType.Boolean => reader.GetBoolean(column),
                StoreColumnType.Time => Columns.Grain(reader.Time(column)),
                StoreColumnType.Bytes => reader.GetFieldValue<byte[]>(column),
                StoreColumnType.Vector => reader.GetFieldValue<Vector>(column).ToArray(),
                _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
            };
    }
}
