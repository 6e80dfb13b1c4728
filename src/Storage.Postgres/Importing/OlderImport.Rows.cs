using System.Globalization;
using System.Text.Json;
using Npgsql;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Importing;

public sealed partial class OlderImport
{
    private const string Utc = "at time zone 'UTC'";

    private string Tenant => _options.Collection.Tenant;

    private Task<OlderImportCount> ImportUsersAsync(OlderDatabase older, CancellationToken cancellationToken) =>
        ImportAsync(
            older,
            "user_profiles",
            "select id::text, email, full_name, coalesce(is_admin, false), created_at, updated_at from {user_profiles} order by id",
            row =>
                Rows.Of(
                    new Row(
                        "users",
                        [
                            Tenant,
                            row.GetString(0),
                            Text(row, 1),
                            Text(row, 2),
                            row.GetBoolean(3),
                            Time(row, 4),
                            Time(row, 5),
                        ]
                    )
                ),
            cancellationToken
        );

    private Task<OlderImportCount> ImportConversationsAsync(OlderDatabase older, CancellationToken cancellationToken) =>
        ImportAsync(
            older,
            "conversations",
            // Nobody wrote last_message_at: the messages know.
            """
            select c.session_id, c.user_id::text, c.title, coalesce(c.metadata, '{}')::text, coalesce(c.created_at, now()),
                coalesce((select max(m.created_at) from {messages} m where m.session_id = c.session_id), c.last_message_at, c.created_at, now()),
                case when c.is_archived then coalesce(c.last_message_at, c.created_at, now()) end
            from {conversations} c order by c.session_id
            """,
            row =>
                Rows.Of(
                    new Row(
                        "conversations",
                        [
                            Tenant,
                            row.GetString(0),
                            row.GetString(1),
                            Text(row, 2),
                            row.GetString(3),
                            Time(row, 4),
                            Time(row, 5),
                            row.IsDBNull(6) ? null : Time(row, 6),
                        ]
                    )
                ),
            cancellationToken
        );

    /// <summary>A request is a turn. Its question is in the conversation; where there is none it is kept as the turn's step 0.</summary>
    private Task<OlderImportCount> ImportRequestsAsync(OlderDatabase older, CancellationToken cancellationToken) =>
        ImportAsync(
            older,
            "requests",
            """
            select r.id::text, r.user_id::text, coalesce(r.timestamp, now()), r.user_query, a.session_id, a.error
            from {requests} r
            left join (
                select distinct on (m.message -> 'data' ->> 'request_id') m.message -> 'data' ->> 'request_id' as request_id, m.session_id,
                    m.message -> 'data' ->> 'error' as error
                from {messages} m
                join {conversations} c on c.session_id = m.session_id
                where m.message -> 'data' ->> 'request_id' is not null
                order by m.message -> 'data' ->> 'request_id', m.id
            ) a on a.request_id = r.id::text
            order by r.id
            """,
            row =>
            {
                var (id, time, error) = (row.GetString(0), Time(row, 2), Text(row, 5));
                var status = error is null ? "Completed" : "Failed";
                List<Row> rows =
                [
                    new(
                        "turns",
                        [
                            id,
                            Tenant,
                            Text(row, 4),
                            row.GetString(1),
                            status,
                            null,
                            null,
                            error,
                            null,
                            null,
                            null,
                            0L,
                            null,
                            time,
                            time,
                            null,
                            null,
                            null,
                        ]
                    ),
                ];
                if (row.IsDBNull(4))
                {
                    rows.Add(
                        new(
                            "turn_steps",
                            [id, 0L, "request", null, null, status, JsonText(row.GetString(3)), time, time]
                        )
                    );
                }

                return Rows.Of(rows);
            },
            cancellationToken
        );

    private Task<OlderImportCount> ImportMessagesAsync(OlderDatabase older, CancellationToken cancellationToken) =>
        ImportAsync(
            older,
            "messages",
            // A question belongs to the turn of the answer after it.
            """
            select m.id::bigint, m.session_id, m.message::text, coalesce(m.created_at, now()),
                coalesce(m.message -> 'data' ->> 'request_id', case when m.message ->> 'type' = 'human' then (
                    select n.message -> 'data' ->> 'request_id' from {messages} n
                    where n.session_id = m.session_id and n.id > m.id order by n.id limit 1) end),
                exists (select from {conversations} c where c.session_id = m.session_id)
            from {messages} m order by m.id
            """,
            row =>
            {
                var id = row.GetInt64(0).ToString(CultureInfo.InvariantCulture);
                if (!row.GetBoolean(5))
                {
                    return Rows.None("no conversation");
                }

                return OlderMessage.Convert(row.GetString(2), id) is not var (role, content)
                    ? Rows.None("neither a user's nor the assistant's")
                    : Rows.Of(
                        new Row(
                            "messages",
                            [null, Tenant, row.GetString(1), id, Text(row, 4), role, 1L, content, Time(row, 3), null]
                        )
                    );
            },
            cancellationToken
        );

    /// <summary>A pipeline is a source; which files it knew is the ledger of the documents.</summary>
    private Task<OlderImportCount> ImportPipelinesAsync(OlderDatabase older, CancellationToken cancellationToken) =>
        ImportAsync(
            older,
            "rag_pipeline_state",
            $$"""
            select pipeline_id, coalesce(created_at {{Utc}}, now()), coalesce(last_run, last_check_time) {{Utc}}
            from {rag_pipeline_state} order by pipeline_id
            """,
            row =>
                Rows.Of(
                    new Row(
                        "sources",
                        [
                            Tenant,
                            _options.Collection.Collection,
                            row.GetString(0),
                            null,
                            Time(row, 1),
                            row.IsDBNull(2) ? null : Time(row, 2),
                        ]
                    )
                ),
            cancellationToken
        );

    /// <param name="older">Where from.</param>
    /// <param name="what">The older table.</param>
    /// <param name="sql">Its rows.</param>
    /// <param name="convert">The rows that stand for one of them, of which the first says whether it was there already.</param>
    /// <param name="cancellationToken">Cancels; what was written stays.</param>
    private async Task<OlderImportCount> ImportAsync(
        OlderDatabase older,
        string what,
        string sql,
        Func<NpgsqlDataReader, Rows> convert,
        CancellationToken cancellationToken
    )
    {
        var count = new OlderImportCount { What = what };
        if (!await older.HasAsync(what, cancellationToken).ConfigureAwait(false))
        {
            return count;
        }

        List<IReadOnlyList<Row>> batch = [];
        await foreach (var row in older.ReadAsync(sql, cancellationToken).ConfigureAwait(false))
        {
            count.Read++;
            var rows = convert(row);
            if (rows.Reason is { } reason)
            {
                count.LeaveOut(reason);
                continue;
            }

            batch.Add(rows.Added);
            if (batch.Count == BatchRows)
            {
                await WriteAsync().ConfigureAwait(false);
            }
        }

        await WriteAsync().ConfigureAwait(false);
        return count;

        async Task WriteAsync()
        {
            var main = true;
            foreach (var table in batch.SelectMany(rows => rows).GroupBy(row => row.Table))
            {
                var added = await _tables
                    .AddMissingAsync(
                        StoreTable.Named(table.Key),
                        [.. table.Select(row => row.Values)],
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                if (main)
                {
                    count.Added += added;
                    count.Present += batch.Count - added;
                    main = false;
                }
            }

            batch = [];
            _progress?.Report(new OlderImportProgress(what, count.Read));
        }
    }

    private static string? Text(NpgsqlDataReader row, int column) =>
        row.IsDBNull(column) ? null : StorableText.Of(row.GetString(column));

    private static DateTimeOffset Time(NpgsqlDataReader row, int column) => Columns.Grain(row.Time(column));

    private static string JsonText(string text) => '"' + JsonEncodedText.Encode(text).ToString() + '"';

    private sealed record Row(string Table, object?[] Values);

    /// <summary>Rows to add, or the reason why there are none.</summary>
    private sealed record Rows(IReadOnlyList<Row> Added, string? Reason)
    {
        public static Rows Of(params IReadOnlyList<Row> rows) => new(rows, null);

        public static Rows None(string reason) => new([], reason);
    }
}
