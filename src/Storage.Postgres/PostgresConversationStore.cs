using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>
/// Conversations, messages and how turns stand, in PostgreSQL. Every statement is bound to the principal, and every transaction says who it is for
/// row-level security.
/// </summary>
internal sealed partial class PostgresConversationStore(
    PostgresDatabase database,
    ILogger<PostgresConversationStore>? logger = null,
    ProcessIdentity? process = null
) : IConversationStore
{
    private const int MaxPageSize = 1_000;

    private readonly ILogger _logger = logger ?? NullLogger<PostgresConversationStore>.Instance;
    private readonly PostgresTurnState _state = new(database, process ?? ProcessIdentity.Current);

    public async ValueTask<Conversation?> FindAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(conversationId)
            ? null
            : await database
                .ReadAsync(
                    principal,
                    async session =>
                    {
                        var rows = await session
                            .QueryAsync(
                                """
                                select id, title, created_at, last_message_at from slipway.conversations
                                where tenant = $1 and user_id = $2 and id = $3
                                """,
                                principal.Tenant,
                                principal.Id,
                                conversationId
                            )
                            .ConfigureAwait(false);
                        await using (rows.ConfigureAwait(false))
                        {
                            return await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                                ? ReadConversation(rows)
                                : null;
                        }
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

    public ValueTask<ConversationPage> ListAsync(
        Principal principal,
        int limit = 50,
        string? after = null,
        CancellationToken cancellationToken = default
    )
    {
        var size = Math.Clamp(limit, 1, MaxPageSize);
        var mark = ConversationMark.Read(after);
        return database.ReadAsync(
            principal,
            async session =>
            {
                List<Conversation> page = [];
                var rows = await session
                    .QueryAsync(
                        """
                        select id, title, created_at, last_message_at from slipway.conversations
                        where tenant = $1 and user_id = $2 and ($3::timestamptz is null or (last_message_at, id) < ($3, $4))
                        order by last_message_at desc, id desc limit $5
                        """,
                        principal.Tenant,
                        principal.Id,
                        mark is { } known ? Columns.FromMilliseconds(known.Time) : null,
                        StorableText.Of(mark?.Id ?? ""),
                        size + 1
                    )
                    .ConfigureAwait(false);
                await using (rows.ConfigureAwait(false))
                {
                    while (await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        page.Add(ReadConversation(rows));
                    }
                }

                return page.Count <= size
                    ? new ConversationPage(page, null)
                    : new ConversationPage(page[..size], ConversationMark.Of(page[size - 1]).ToString());
            },
            cancellationToken
        );
    }

    public async ValueTask<bool> RenameAsync(
        Principal principal,
        string conversationId,
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
                            "update slipway.conversations set title = $4 where tenant = $1 and user_id = $2 and id = $3",
                            principal.Tenant,
                            principal.Id,
                            conversationId,
                            StorableText.Of(title)
                        )
                        .ConfigureAwait(false) > 0,
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask<bool> DeleteAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        PostgresAccess.CanBeStored(conversationId)
        && await database
            .WriteAsync(
                principal,
                async session =>
                    await session
                        .ExecuteAsync(
                            "delete from slipway.conversations where tenant = $1 and user_id = $2 and id = $3",
                            principal.Tenant,
                            principal.Id,
                            conversationId
                        )
                        .ConfigureAwait(false) > 0,
                cancellationToken
            )
            .ConfigureAwait(false);

    private static Conversation ReadConversation(NpgsqlDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            Title = row.NullableString(1),
            CreatedAt = row.Time(2),
            LastMessageAt = row.Time(3),
        };
}
