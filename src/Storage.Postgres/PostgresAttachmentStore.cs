using System.Security.Cryptography;
using Slipway.Agents.Conversations;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Attachments in PostgreSQL, their bytes among its blobs.</summary>
internal sealed class PostgresAttachmentStore(PostgresDatabase database) : IAttachmentStore
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
            .WriteAsync(
                principal,
                async session =>
                {
                    session.Queue(
                        """
                        delete from slipway.attachments a where tenant = $1 and user_id = $2 and created_at < $3 and not exists (
                            select from slipway.conversations c where c.tenant = $1 and c.id = a.conversation_id and c.user_id = $2)
                        """,
                        principal.Tenant,
                        principal.Id,
                        database.Now - LongestStart
                    );
                    // The update holds the row: whoever deletes it for its last user waits, and then sees this one.
                    session.Queue(
                        """
                        insert into slipway.blobs as known (tenant, hash, length, content, created_at) values ($1, $2, $3, $4, $5)
                        on conflict (tenant, hash) do update set created_at = known.created_at
                        """,
                        principal.Tenant,
                        hash,
                        bytes.LongLength,
                        bytes,
                        database.Now
                    );
                    session.Queue(
                        """
                        insert into slipway.attachments (tenant, conversation_id, user_id, hash, media_type, name, length, created_at)
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
                    return (
                        await FindAsync(session, principal, conversationId, hash, begun: false).ConfigureAwait(false)
                    )!;
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    public async ValueTask<Attachment?> FindAsync(
        Principal principal,
        string conversationId,
        string attachmentId,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(conversationId) || !PostgresAccess.CanBeStored(attachmentId)
            ? null
            : await database
                .ReadAsync(
                    principal,
                    session => FindAsync(session, principal, conversationId, attachmentId, begun: true),
                    cancellationToken
                )
                .ConfigureAwait(false);

    public async ValueTask<byte[]?> ReadAsync(
        Principal principal,
        string conversationId,
        string attachmentId,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(conversationId) || !PostgresAccess.CanBeStored(attachmentId)
            ? null
            : await database
                .ReadAsync(
                    principal,
                    async session =>
                        await session
                            .ScalarAsync(
                                """
                                select b.content from slipway.attachments a
                                join slipway.conversations c
                                    on c.tenant = a.tenant and c.id = a.conversation_id and c.user_id = a.user_id
                                join slipway.blobs b on b.tenant = a.tenant and b.hash = a.hash
                                where a.tenant = $1 and a.conversation_id = $2 and a.user_id = $3 and a.hash = $4
                                """,
                                principal.Tenant,
                                conversationId,
                                principal.Id,
                                attachmentId
                            )
                            .ConfigureAwait(false) as byte[],
                    cancellationToken
                )
                .ConfigureAwait(false);

    /// <param name="session">The transaction.</param>
    /// <param name="principal">Whose.</param>
    /// <param name="conversationId">The conversation.</param>
    /// <param name="hash">The attachment.</param>
    /// <param name="begun">Whether the conversation must be there.</param>
    private static async Task<Attachment?> FindAsync(
        PostgresSession session,
        Principal principal,
        string conversationId,
        string hash,
        bool begun
    )
    {
        var rows = await session
            .QueryAsync(
                """
                select media_type, name, length, created_at from slipway.attachments a
                where tenant = $1 and conversation_id = $2 and user_id = $3 and hash = $4 and (not $5 or exists (
                    select from slipway.conversations c where c.tenant = $1 and c.id = $2 and c.user_id = $3))
                """,
                principal.Tenant,
                conversationId,
                principal.Id,
                hash,
                begun
            )
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            return await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false)
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
}
