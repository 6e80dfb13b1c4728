using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

// What others have stored of a document that is erased.
internal sealed partial class SqliteDocumentMaintenance
{
    // $1 is the tenant, $2 the document's id.
    private const string Turns = """
        select turn_id from turn_steps where instr(data, $2) > 0 union select turn_id from turn_events where instr(data, $2) > 0
        """;

    private const string Conversations = $"""
        select conversation_id from messages where tenant = $1 and instr(content, $2) > 0
        union select conversation_id from turns where tenant = $1 and id in ({Turns})
        """;

    /// <summary>
    /// All that was answered in conversations that had the document before them: later answers quote what earlier ones found.
    /// </summary>
    private static int EraseFromMessages(SqliteSession session, string tenant, string id, DocumentRedaction redaction)
    {
        List<(long Sequence, string Content)> messages = [];
        using (
            var reader = session.Query(
                $"""
                select sequence, content from messages
                where tenant = $1 and role <> 'user' and conversation_id in ({Conversations})
                """,
                tenant,
                id
            )
        )
        {
            while (reader.Read())
            {
                messages.Add((reader.GetInt64(0), reader.GetString(1)));
            }
        }

        return messages.Count(message =>
            redaction.RedactJson(message.Content) is var content
            && content != message.Content
            && session.Execute("update messages set content = $2 where sequence = $1", message.Sequence, content) > 0
        );
    }

    private static int EraseFromTurns(SqliteSession session, string tenant, string id, DocumentRedaction redaction)
    {
        var erased = 0;
        foreach (var (table, number) in new[] { ("turn_steps", "number"), ("turn_events", "sequence") })
        {
            List<(string Turn, long Number, string Data)> records = [];
            using (
                var reader = session.Query(
                    $"""
                    select turn_id, {number}, data from {table}
                    where data is not null and turn_id in (
                        select id from turns where tenant = $1 and (conversation_id in ({Conversations}) or id in ({Turns})))
                    order by turn_id, {number}
                    """,
                    tenant,
                    id
                )
            )
            {
                while (reader.Read())
                {
                    records.Add((reader.GetString(0), reader.GetInt64(1), reader.GetString(2)));
                }
            }

            foreach (var turn in records.GroupBy(record => record.Turn).Select(turn => turn.ToList()))
            {
                var redacted = redaction.RedactJson(turn.ConvertAll(record => record.Data));
                erased += turn.Zip(redacted)
                    .Count(record =>
                        record.First.Data != record.Second
                        && session.Execute(
                            $"update {table} set data = $3 where turn_id = $1 and {number} = $2",
                            record.First.Turn,
                            record.First.Number,
                            record.Second
                        ) > 0
                    );
            }
        }

        return erased;
    }

    private static int EraseFromReports(
        SqliteSession session,
        CollectionKey collection,
        string source,
        DocumentRedaction redaction
    )
    {
        List<(long Id, string Report)> reports = [];
        using (
            var reader = session.Query(
                """
                select id, report from ingestion_runs
                where tenant = $1 and collection = $2 and source = $3 and report is not null and instr(report, '"errors":[]') = 0
                """,
                collection.Tenant,
                collection.Collection,
                source
            )
        )
        {
            while (reader.Read())
            {
                reports.Add((reader.GetInt64(0), reader.GetString(1)));
            }
        }

        return reports.Count(run =>
            redaction.RedactReport(run.Report) is var report
            && report != run.Report
            && session.Execute("update ingestion_runs set report = $2 where id = $1", run.Id, report) > 0
        );
    }
}
