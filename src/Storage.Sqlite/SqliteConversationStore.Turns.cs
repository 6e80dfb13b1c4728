using Microsoft.Data.Sqlite;
using Slipway.Agents.Conversations;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteConversationStore
{
    private const string TurnColumns =
        $"id, conversation_id, {SqliteTurnState.Columns}, finish_reason, error, input_tokens, output_tokens, finished_at, stop_requested_at";

    public ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                using var rows = session.Query(
                    $"select {TurnColumns} from turns where id = $1 and tenant = $2 and user_id = $3",
                    turnId,
                    principal.Tenant,
                    principal.Id
                );
                return rows.Read() ? ReadTurn(rows) : null;
            },
            cancellationToken
        );

    public ValueTask<TurnInfo?> FindLastTurnAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                using var rows = session.Query(
                    $"""
                    select {TurnColumns} from turns where tenant = $1 and conversation_id = $2 and user_id = $3
                    order by started_at desc, id desc limit 1
                    """,
                    principal.Tenant,
                    conversationId,
                    principal.Id
                );
                return rows.Read() ? ReadTurn(rows) : null;
            },
            cancellationToken
        );

    private TurnInfo ReadTurn(SqliteDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            ConversationId = row.GetString(1),
            Status = _state.Read(row, 2),
            StartedAt = Time(row, 4),
            FinishReason = row.NullableString(6),
            Error = row.NullableString(7),
            Usage = row.IsDBNull(8) ? null : new(row.GetInt64(8), row.NullableInt64(9) ?? 0),
            FinishedAt = row.NullableTime(10),
            StopRequested = !row.IsDBNull(11),
        };
}
