using System.Runtime.CompilerServices;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentStore
{
    // The name that InboxSource has in the ledger.
    private const string InboxName = "inbox";

    public ValueTask<string> EnqueueAsync(
        CollectionKey collection,
        SourceDocument document,
        string blobHash,
        CancellationToken cancellationToken = default
    )
    {
        document = StorableText.Of(document);
        return database.WriteAsync(
            null,
            async session =>
            {
                // Whoever deletes the blob for the last other document that had it waits, and then sees this one.
                _ = await session
                    .ScalarAsync(
                        "select 1 from slipway.blobs where tenant = $1 and hash = $2 for key share",
                        collection.Tenant,
                        blobHash
                    )
                    .ConfigureAwait(false);
                var row = await FindOrAddAsync(session, collection, InboxName, document).ConfigureAwait(false);
                session.Queue(
                    """
                    update slipway.documents set state = 'pending', blob_hash = $2, name = $3, media_type = coalesce($4, media_type),
                        uri = $5, size = $6, modified_at = $7, modified_ticks = $8, source_metadata = $9, title = coalesce($10, title),
                        updated_at = $11, attempts = 0, last_error = null, last_error_class = null, next_action_at = $11,
                        owner = null, claimed_until = null, source_media_type = $4, source_title = $10
                    where id = $1
                    """,
                    row.Id,
                    blobHash,
                    document.Name,
                    document.MediaType,
                    document.Uri,
                    document.Size,
                    Columns.Grain(document.ModifiedAt),
                    document.ModifiedAt?.UtcTicks,
                    StoredValue.Json(document.Metadata),
                    document.Title,
                    database.Now
                );
                ReplacePrincipals(session, row.Id, document.Principals);
                ReplaceMetadata(session, collection, row.Id, DocumentMetadata.Join(row.Metadata, document.Metadata));
                if (row.BlobHash is { } replaced && replaced != blobHash)
                {
                    DeleteUnusedBlob(session, collection.Tenant, replaced);
                }

                session.Changed.Add(ChangeTopic.Collection(collection.Tenant, collection.Collection));

                return row.Id;
            },
            cancellationToken
        );
    }

    public async IAsyncEnumerable<SourceDocument> ReadInboxAsync(
        CollectionKey collection,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var read = await database.BeginReadAsync(null, cancellationToken).ConfigureAwait(false);
        await using (read.ConfigureAwait(false))
        {
            var reader = await database
                .GuardAsync(() =>
                    read.QueryAsync(
                        """
                        select external_id, name, source_media_type, uri, size, modified_ticks, source_metadata, source_title,
                            array(select principal from slipway.document_principals p where p.document_id = d.id order by principal)
                        from slipway.documents d where tenant = $1 and collection = $2 and source = $3
                        """,
                        collection.Tenant,
                        collection.Collection,
                        InboxName
                    )
                )
                .ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await database.GuardAsync(() => reader.ReadAsync(cancellationToken)).ConfigureAwait(false))
                {
                    yield return ReadSourceDocument(reader);
                }
            }
        }
    }

    public ValueTask<bool> HasPendingAsync(CollectionKey collection, CancellationToken cancellationToken = default) =>
        database.ReadAsync(
            null,
            async session =>
                await session
                    .ScalarAsync(
                        """
                        select 1 from slipway.documents
                        where tenant = $1 and collection = $2 and next_action_at is not null and source = $3 and state = 'pending'
                        limit 1
                        """,
                        collection.Tenant,
                        collection.Collection,
                        InboxName
                    )
                    .ConfigureAwait(false)
                    is not null,
            cancellationToken
        );

    public ValueTask<string?> FindBlobAsync(
        CollectionKey collection,
        string externalId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            null,
            async session =>
                await session
                    .ScalarAsync(
                        """
                        select blob_hash from slipway.documents
                        where tenant = $1 and collection = $2 and source = $3 and external_id = $4
                        """,
                        collection.Tenant,
                        collection.Collection,
                        InboxName,
                        StorableText.Of(externalId)
                    )
                    .ConfigureAwait(false) as string,
            cancellationToken
        );

    /// <summary>
    /// Wakes who waits for a pushed document. Nobody waits for a listed one; thousands are published in a row, and commits that notify
    /// go one after the other through the whole server.
    /// </summary>
    private static void SignalPushed(PostgresSession session, string source, string id)
    {
        if (source == InboxName)
        {
            session.Changed.Add(ChangeTopic.Document(id));
        }
    }

    private static void DeleteUnusedBlob(PostgresSession session, string tenant, string hash)
    {
        // Waits for whoever is about to use it; the delete is a statement of its own, so that it sees what they did.
        session.Queue("update slipway.blobs set created_at = created_at where tenant = $1 and hash = $2", tenant, hash);
        session.Queue(
            """
            delete from slipway.blobs where tenant = $1 and hash = $2
                and not exists (select from slipway.documents where tenant = $1 and blob_hash = $2)
                and not slipway.is_attached($1, $2)
            """,
            tenant,
            hash
        );
    }
}
