using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteConversationStore
{
    public ValueTask<ConversationMatchPage> SearchAsync(
        Principal principal,
        string query,
        int limit = 50,
        string? after = null,
        CancellationToken cancellationToken = default
    )
    {
        var search = new ConversationSearch(StorableText.Of(query), Math.Clamp(limit, 1, MaxPageSize));
        var (time, id) = ConversationMark.Read(after) ?? new(long.MaxValue, "");
        return database.ReadAsync(
            session =>
            {
                if (!search.HasWords)
                {
                    return search.ToPage(isComplete: true);
                }

                using var rows = session.Query(
                    """
                    select c.id, c.title, c.created_at, c.last_message_at, m.id, m.format, m.content
                    from conversations c left join messages m
                        on m.tenant = c.tenant and m.conversation_id = c.id and m.superseded_at is null
                        and m.role in ('user', 'assistant')
                    where c.tenant = $1 and c.user_id = $2 and (c.last_message_at, c.id) < ($3, $4)
                    order by c.last_message_at desc, c.id desc, m.sequence
                    """,
                    principal.Tenant,
                    principal.Id,
                    time,
                    id
                );
                string? current = null;
                while (rows.Read())
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (rows.GetString(0) != current)
                    {
                        if (!search.Begin(ReadConversation(rows)))
                        {
                            return search.ToPage(isComplete: false);
                        }

                        current = rows.GetString(0);
                    }

                    if (!rows.IsDBNull(4))
                    {
                        search.Add(rows.GetString(4), rows.GetInt32(5), rows.GetString(6));
                    }
                }

                return search.ToPage(isComplete: true);
            },
            cancellationToken
        );
    }

    public ValueTask<bool> ReplaceTitleAsync(
        Principal principal,
        string conversationId,
        string expected,
        string title,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "update conversations set title = $5 where tenant = $1 and user_id = $2 and id = $3 and title = $4",
                    principal.Tenant,
                    principal.Id,
                    conversationId,
                    StorableText.Of(expected),
                    StorableText.Of(title)
                ) > 0,
            cancellationToken
        );
}
