using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresConversationStore
{
    public ValueTask<ConversationMatchPage> SearchAsync(
        Principal principal,
        string query,
        int limit = 50,
        string? after = null,
        CancellationToken cancellationToken = default
    )
    {
        var size = Math.Clamp(limit, 1, MaxPageSize);
        var mark = ConversationMark.Read(after);
        return database.ReadAsync(
            principal,
            session => SearchAsync(session, principal, new ConversationSearch(StorableText.Of(query), size), mark),
            cancellationToken
        );
    }

    public async ValueTask<bool> ReplaceTitleAsync(
        Principal principal,
        string conversationId,
        string expected,
        string title,
        CancellationToken cancellationToken = default
    ) =>
        PostgresAccess.CanBeStored(conversationId)
        && await database
            .WriteAsync(
                principal,
                async session =>
                    await session
                        .ExecuteAsync(
                            """
                            update slipway.conversations set title = $5
                            where tenant = $1 and user_id = $2 and id = $3 and title = $4
                            """,
                            principal.Tenant,
                            principal.Id,
                            conversationId,
                            StorableText.Of(expected),
                            StorableText.Of(title)
                        )
                        .ConfigureAwait(false) > 0,
                cancellationToken
            )
            .ConfigureAwait(false);

    private static async Task<ConversationMatchPage> SearchAsync(
        PostgresSession session,
        Principal principal,
        ConversationSearch search,
        ConversationMark? mark
    )
    {
        if (!search.HasWords)
        {
            return search.ToPage(isComplete: true);
        }

        var rows = await session
            .QueryAsync(
                """
                select c.id, c.title, c.created_at, c.last_message_at, m.id, m.format, m.content
                from slipway.conversations c left join slipway.messages m
                    on m.tenant = c.tenant and m.conversation_id = c.id and m.superseded_at is null
                    and m.role in ('user', 'assistant')
                where c.tenant = $1 and c.user_id = $2 and ($3::timestamptz is null or (c.last_message_at, c.id) < ($3, $4))
                order by c.last_message_at desc, c.id desc, m.sequence
                """,
                principal.Tenant,
                principal.Id,
                mark is { } known ? Columns.FromMilliseconds(known.Time) : null,
                StorableText.Of(mark?.Id ?? "")
            )
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            string? current = null;
            while (await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
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
        }

        return search.ToPage(isComplete: true);
    }
}
