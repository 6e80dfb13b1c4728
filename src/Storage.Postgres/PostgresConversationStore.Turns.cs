using Npgsql;
using Slipway.Agents.Conversations;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresConversationStore
{
    private const string TurnColumns =
        $"id, conversation_id, {PostgresTurnState.Columns}, finish_reason, error, input_tokens, output_tokens, finished_at, stop_requested_at";

    public ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) =>
        FindTurnAsync(
            principal,
            $"select {TurnColumns} from slipway.turns where tenant = $1 and user_id = $2 and id = $3",
            turnId,
            cancellationToken
        );

    public ValueTask<TurnInfo?> FindLastTurnAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        FindTurnAsync(
            principal,
            $"""
            select {TurnColumns} from slipway.turns where tenant = $1 and user_id = $2 and conversation_id = $3
            order by started_at desc, id desc limit 1
            """,
            conversationId,
            cancellationToken
        );

    private async ValueTask<TurnInfo?> FindTurnAsync(
        Principal principal,
        string sql,
        string id,
        CancellationToken cancellationToken
    ) =>
        !PostgresAccess.CanBeStored(id)
            ? null
            : await database
                .ReadAsync(
                    principal,
                    async session =>
                    {
                        var rows = await session
                            .QueryAsync(sql, principal.Tenant, principal.Id, id)
                            .ConfigureAwait(false);
                        await using (rows.ConfigureAwait(false))
                        {
                            return await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                                ? ReadTurn(rows)
                                : null;
                        }
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

    private TurnInfo ReadTurn(NpgsqlDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            ConversationId = row.GetString(1),
            Status = _state.Read(row, 2),
            StartedAt = row.Time(4),
            FinishReason = row.NullableString(6),
            Error = row.NullableString(7),
            Usage = row.IsDBNull(8) ? null : new(row.GetInt64(8), row.NullableInt64(9) ?? 0),
            FinishedAt = row.NullableTime(10),
            StopRequested = !row.IsDBNull(11),
        };
}
