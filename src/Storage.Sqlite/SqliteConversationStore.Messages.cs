using Microsoft.Extensions.Logging;
using Slipway.Agents.Conversations;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteConversationStore
{
    public ValueTask<IReadOnlyList<ConversationMessage>> ReadMessagesAsync(
        Principal principal,
        string conversationId,
        int exchanges = int.MaxValue,
        long? before = null,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<ConversationMessage>>(
            session =>
            {
                List<ConversationMessage> messages = [];
                using var rows = session.Query(
                    $"""
                    with live as (
                        select m.* from messages m
                        join conversations c on c.tenant = m.tenant and c.id = m.conversation_id
                        where m.tenant = $1 and m.conversation_id = $3 and c.user_id = $2
                          and m.superseded_at is null and m.sequence < $5
                    )
                    select m.sequence, m.turn_id, m.format, m.content, m.created_at, m.id, {SqliteTurnState.Columns}
                    from live m left join turns t on t.id = m.turn_id
                    where m.sequence >= coalesce(
                        (select sequence from live where role = 'user' order by sequence desc limit 1 offset $4 - 1), 0)
                    order by m.sequence
                    """,
                    principal.Tenant,
                    principal.Id,
                    conversationId,
                    Math.Max(1, exchanges),
                    before ?? long.MaxValue
                );
                while (rows.Read())
                {
                    if (!StoredMessage.TryRead(rows.GetInt32(2), rows.GetString(3), out var message))
                    {
                        LogUnreadable(rows.GetInt64(0), conversationId, rows.GetInt32(2));
                        continue;
                    }

                    message.MessageId = rows.GetString(5);
                    messages.Add(
                        new()
                        {
                            Sequence = rows.GetInt64(0),
                            TurnId = rows.IsDBNull(1) ? null : rows.GetString(1),
                            TurnStatus = rows.IsDBNull(6) ? null : _state.Read(rows, 6),
                            CreatedAt = Time(rows, 4),
                            Message = message,
                        }
                    );
                }

                return messages;
            },
            cancellationToken
        );

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Message {Sequence} of conversation {ConversationId} (format {Format}) cannot be read and is left out."
    )]
    private partial void LogUnreadable(long sequence, string conversationId, int format);
}
