using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Conversations, messages and how turns stand, in the SQLite file.</summary>
internal sealed partial class SqliteConversationStore(
    SqliteDatabase database,
    ILogger<SqliteConversationStore>? logger = null,
    ProcessIdentity? process = null
) : IConversationStore
{
    private const int MaxPageSize = 1_000;

    private readonly ILogger _logger = logger ?? NullLogger<SqliteConversationStore>.Instance;
    private readonly SqliteTurnState _state = new(database, process ?? ProcessIdentity.Current);

    public ValueTask<Conversation?> FindAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                using var rows = session.Query(
                    """
                    select id, title, created_at, last_message_at from conversations
                    where tenant = $1 and user_id = $2 and id = $3
                    """,
                    principal.Tenant,
                    principal.Id,
                    conversationId
                );
                return rows.Read() ? ReadConversation(rows) : null;
            },
            cancellationToken
        );

    public ValueTask<ConversationPage> ListAsync(
        Principal principal,
        int limit = 50,
        string? after = null,
        CancellationToken cancellationToken = default
    )
    {
        var size = Math.Clamp(limit, 1, MaxPageSize);
        var (time, id) = ConversationMark.Read(after) ?? new(long.MaxValue, "");
        return database.ReadAsync(
            session =>
            {
                List<Conversation> page = [];
                using var rows = session.Query(
                    """
                    select id, title, created_at, last_message_at from conversations
                    where tenant = $1 and user_id = $2 and (last_message_at, id) < ($3, $4)
                    order by last_message_at desc, id desc limit $5
                    """,
                    principal.Tenant,
                    principal.Id,
                    time,
                    id,
                    size + 1
                );
                while (rows.Read())
                {
                    page.Add(ReadConversation(rows));
                }

                return page.Count <= size
                    ? new ConversationPage(page, null)
                    : new ConversationPage(page[..size], ConversationMark.Of(page[size - 1]).ToString());
            },
            cancellationToken
        );
    }

    public ValueTask<bool> RenameAsync(
        Principal principal,
        string conversationId,
        string title,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "update conversations set title = $4 where tenant = $1 and user_id = $2 and id = $3",
                    principal.Tenant,
                    principal.Id,
                    conversationId,
                    StorableText.Of(title)
                ) > 0,
            cancellationToken
        );

    public ValueTask<bool> DeleteAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    "delete from conversations where tenant = $1 and user_id = $2 and id = $3",
                    principal.Tenant,
                    principal.Id,
                    conversationId
                ) > 0,
            cancellationToken
        );

    private static Conversation ReadConversation(SqliteDataReader row) =>
        new()
        {
            Id = row.GetString(0),
            Title = row.IsDBNull(1) ? null : row.GetString(1),
            CreatedAt = Time(row, 2),
            LastMessageAt = Time(row, 3),
        };

    private static DateTimeOffset Time(SqliteDataReader row, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
