using System.Security.Cryptography;
using Slipway.Agents.Conversations;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Attachments in the SQLite file, their bytes among its blobs.</summary>
internal sealed class SqliteAttachmentStore(SqliteDatabase database) : IAttachmentStore
{
    /// <summary>After this time an attachment whose conversation has not begun is waste: its turn was refused.</summary>
    private static readonly TimeSpan LongestStart = TimeSpan.FromHours(1);

    public async ValueTask<Attachment> AddAsync(
        Principal principal,
        string conversationId,
        ReadOnlyMemory<byte> content,
        string mediaType,
        string? name = null,
        CancellationToken cancellationToken = default
    )
    {
        ConversationId.ThrowIfInvalid(conversationId);
        var hash = Convert.ToHexStringLower(SHA256.HashData(content.Span));
        var bytes = content.ToArray();
        return await database
            .WriteMuchAsync(
                session =>
                {
                    session.Execute(
                        """
                        delete from attachments where tenant = $1 and user_id = $2 and created_at < $3 and not exists (
                            select 1 from conversations c where c.tenant = $1 and c.id = conversation_id and c.user_id = $2)
                        """,
                        principal.Tenant,
                        principal.Id,
                        database.Now - (long)LongestStart.TotalMilliseconds
                    );
                    session.Execute(
                        """
                        insert into blobs (tenant, hash, length, content, created_at) values ($1, $2, $3, $4, $5)
                        on conflict (tenant, hash) do nothing
                        """,
                        principal.Tenant,
                        hash,
                        bytes.LongLength,
                        bytes,
                        database.Now
                    );
                    session.Execute(
                        """
                        insert into attachments (tenant, conversation_id, user_id, hash, media_type, name, length, created_at)
                        values ($1, $2, $3, $4, $5, $6, $7, $8)
                        on conflict do nothing
                        """,
                        principal.Tenant,
                        conversationId,
                        principal.Id,
                        hash,
                        StorableText.Of(mediaType),
                        name is null ? null : StorableText.Of(name),
                        bytes.LongLength,
                        database.Now
                    );
                    return Find(session, principal, conversationId, hash)!;
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    public ValueTask<Attachment?> FindAsync(
        Principal principal,
        string conversationId,
        string attachmentId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
                HasConversation(session, principal, conversationId)
                    ? Find(session, principal, conversationId, attachmentId)
                    : null,
            cancellationToken
        );

    public ValueTask<byte[]?> ReadAsync(
        Principal principal,
        string conversationId,
        string attachmentId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
                session.Scalar(
                    """
                    select b.content from attachments a
                    join conversations c on c.tenant = a.tenant and c.id = a.conversation_id and c.user_id = a.user_id
                    join blobs b on b.tenant = a.tenant and b.hash = a.hash
                    where a.tenant = $1 and a.conversation_id = $2 and a.user_id = $3 and a.hash = $4
                    """,
                    principal.Tenant,
                    conversationId,
                    principal.Id,
                    attachmentId
                ) as byte[],
            cancellationToken
        );

    private static bool HasConversation(SqliteSession session, Principal principal, string conversationId) =>
        session.Scalar(
            "select 1 from conversations where tenant = $1 and id = $2 and user_id = $3",
            principal.Tenant,
            conversationId,
            principal.Id
        )
            is not null;

    private static Attachment? Find(SqliteSession session, Principal principal, string conversationId, string hash)
    {
        using var rows = session.Query(
            """
            select media_type, name, length, created_at from attachments
            where tenant = $1 and conversation_id = $2 and user_id = $3 and hash = $4
            """,
            principal.Tenant,
            conversationId,
            principal.Id,
            hash
        );
        return rows.Read()
            ? new Attachment
            {
                Id = hash,
                MediaType = rows.GetString(0),
                Name = rows.NullableString(1),
                Length = rows.GetInt64(2),
                CreatedAt = rows.Time(3),
            }
            : null;
    }
}
