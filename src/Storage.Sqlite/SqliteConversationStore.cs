using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Conversations;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Conversations, messages and turns in the SQLite file.</summary>
internal sealed partial class SqliteConversationStore(
    SqliteDatabase database,
    ILogger<SqliteConversationStore>? logger = null,
    ProcessIdentity? process = null
) : IConversationStore
{
    private const int MaxPageSize = 1_000;

    private readonly ILogger _logger = logger ?? NullLogger<SqliteConversationStore>.Instance;
    private readonly ProcessIdentity _process = process ?? ProcessIdentity.Current;

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
        var (time, id) = ReadCursor(after);
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
                    : new ConversationPage(page[..size], WriteCursor(page[size - 1]));
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
                    title
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

    // A conversation's place in the list: time and id of the last row of the page.
    private static string WriteCursor(Conversation last) =>
        string.Create(CultureInfo.InvariantCulture, $"{last.LastMessageAt.ToUnixTimeMilliseconds()}:{last.Id}");

    private static (long Time, string Id) ReadCursor(string? cursor)
    {
        if (cursor is null)
        {
            return (long.MaxValue, "");
        }

        var colon = cursor.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && long.TryParse(cursor.AsSpan(0, colon), CultureInfo.InvariantCulture, out var time)
            ? (time, cursor[(colon + 1)..])
            : throw new SlipwayException(
                ErrorClass.Permanent,
                "The place in the list of conversations is not one that was given out.",
                "Pass the 'next' of the page before, or leave it out for the first page."
            );
    }
}
