using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

// What others have stored of a document that is erased.
internal sealed partial class PostgresDocumentMaintenance
{
    // $1 is the tenant, $2 the document's id.
    private const string Turns = """
        select turn_id from slipway.turn_steps where strpos(data, $2) > 0
        union select turn_id from slipway.turn_events where strpos(data, $2) > 0
        """;

    private const string Conversations = $"""
        select conversation_id from slipway.messages where tenant = $1 and strpos(content, $2) > 0
        union select conversation_id from slipway.turns where tenant = $1 and id in ({Turns})
        """;

    /// <summary>
    /// All that was answered in conversations that had the document before them: later answers quote what earlier ones found.
    /// </summary>
    private static async Task<int> EraseFromMessagesAsync(
        PostgresSession session,
        string tenant,
        string id,
        DocumentRedaction redaction
    )
    {
        var messages = await ReadAsync(
                session,
                $"""
                select '', sequence, content from slipway.messages
                where tenant = $1 and role <> 'user' and conversation_id in ({Conversations})
                """,
                tenant,
                id
            )
            .ConfigureAwait(false);
        return await WriteAsync(
                session,
                "update slipway.messages m set content = new.text from new where m.sequence = new.number",
                messages,
                messages.ConvertAll(message => redaction.RedactJson(message.Text))
            )
            .ConfigureAwait(false);
    }

    private static async Task<int> EraseFromTurnsAsync(
        PostgresSession session,
        string tenant,
        string id,
        DocumentRedaction redaction
    )
    {
        var erased = 0;
        foreach (var (table, number) in new[] { ("turn_steps", "number"), ("turn_events", "sequence") })
        {
            var records = await ReadAsync(
                    session,
                    $"""
                    select turn_id, {number}::bigint, data from slipway.{table}
                    where data is not null and turn_id in (
                        select id from slipway.turns where tenant = $1 and (conversation_id in ({Conversations}) or id in ({Turns})))
                    order by turn_id, {number}
                    """,
                    tenant,
                    id
                )
                .ConfigureAwait(false);
            erased += await WriteAsync(
                    session,
                    $"update slipway.{table} t set data = new.text from new where t.turn_id = new.id and t.{number} = new.number",
                    records,
                    [
                        .. records
                            .GroupBy(record => record.Id)
                            .SelectMany(turn => redaction.RedactJson([.. turn.Select(record => record.Text)])),
                    ]
                )
                .ConfigureAwait(false);
        }

        return erased;
    }

    private static async Task<int> EraseFromReportsAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        DocumentRedaction redaction
    )
    {
        var reports = await ReadAsync(
                session,
                """
                select '', id, report from slipway.ingestion_runs
                where tenant = $1 and collection = $2 and source = $3 and strpos(report, '"errors":[]') = 0
                """,
                collection.Tenant,
                collection.Collection,
                source
            )
            .ConfigureAwait(false);
        return await WriteAsync(
                session,
                "update slipway.ingestion_runs r set report = new.text from new where r.id = new.number",
                reports,
                reports.ConvertAll(report => redaction.RedactReport(report.Text))
            )
            .ConfigureAwait(false);
    }

    private static async Task<List<(string Id, long Number, string Text)>> ReadAsync(
        PostgresSession session,
        string sql,
        params object?[] arguments
    )
    {
        var reader = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            List<(string, long, string)> rows = [];
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetString(2)));
            }

            return rows;
        }
    }

    /// <summary>Writes the texts that have changed.</summary>
    private static async Task<int> WriteAsync(
        PostgresSession session,
        string update,
        List<(string Id, long Number, string Text)> rows,
        IReadOnlyList<string> texts
    )
    {
        var changed = rows.Zip(texts).Where(row => row.First.Text != row.Second).ToArray();
        return changed.Length == 0
            ? 0
            : await session
                .ExecuteAsync(
                    $"with new as (select * from unnest($1::text[], $2::bigint[], $3::text[]) as new (id, number, text)) {update}",
                    Array.ConvertAll(changed, row => row.First.Id),
                    Array.ConvertAll(changed, row => row.First.Number),
                    Array.ConvertAll(changed, row => row.Second)
                )
                .ConfigureAwait(false);
    }
}
