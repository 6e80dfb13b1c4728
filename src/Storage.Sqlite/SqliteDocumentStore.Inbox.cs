using System.Runtime.CompilerServices;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteDocumentStore
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
            session =>
            {
                var (id, _) = FindOrAdd(session, collection, InboxName, document);
                var replaced = session.Scalar("select blob_hash from documents where id = $1", id) as string;
                session.Execute(
                    """
                    update documents set state = 'pending', blob_hash = $2, name = $3, media_type = coalesce($4, media_type), uri = $5,
                        size = $6, modified_at = $7, modified_ticks = $8, source_metadata = $9, title = coalesce($10, title), updated_at = $11,
                        attempts = 0, last_error = null, last_error_class = null, next_action_at = $11, owner = null, claimed_until = null,
                        source_media_type = $4, source_title = $10
                    where id = $1
                    """,
                    id,
                    blobHash,
                    document.Name,
                    document.MediaType,
                    document.Uri,
                    document.Size,
                    document.ModifiedAt?.ToUnixTimeMilliseconds(),
                    document.ModifiedAt?.UtcTicks,
                    StoredValue.Json(document.Metadata),
                    document.Title,
                    database.Now
                );
                ReplacePrincipals(session, id, document.Principals);
                ReplaceMetadata(session, id);
                if (replaced is not null && replaced != blobHash)
                {
                    DeleteUnusedBlob(session, collection.Tenant, replaced);
                }

                session.Changed.Add(ChangeTopic.Collection(collection.Tenant, collection.Collection));

                return id;
            },
            cancellationToken
        );
    }

    public async IAsyncEnumerable<SourceDocument> ReadInboxAsync(
        CollectionKey collection,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var read = await database.BeginReadAsync(cancellationToken).ConfigureAwait(false);
        using var reader = read.Session.Query(
            """
            select external_id, name, source_media_type, uri, size, modified_ticks, source_metadata, source_title,
                (select json_group_array(principal) from document_principals p where p.document_id = d.id)
            from documents d where tenant = $1 and collection = $2 and source = $3
            """,
            collection.Tenant,
            collection.Collection,
            InboxName
        );
        while (reader.Read())
        {
            yield return ReadSourceDocument(reader);
        }
    }

    public ValueTask<bool> HasPendingAsync(CollectionKey collection, CancellationToken cancellationToken = default) =>
        database.ReadAsync(
            session =>
                session.Scalar(
                    """
                    select 1 from documents
                    where tenant = $1 and collection = $2 and next_action_at is not null and source = $3 and state = 'pending' limit 1
                    """,
                    collection.Tenant,
                    collection.Collection,
                    InboxName
                )
                    is not null,
            cancellationToken
        );

    public ValueTask<string?> FindBlobAsync(
        CollectionKey collection,
        string externalId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
                session.Scalar(
                    """
                    select blob_hash from documents where tenant = $1 and collection = $2 and source = $3 and external_id = $4
                    """,
                    collection.Tenant,
                    collection.Collection,
                    InboxName,
                    externalId
                ) as string,
            cancellationToken
        );

    /// <summary>Wakes who waits for a pushed document. Nobody waits for a listed one, and thousands are published in a row.</summary>
    private static void SignalPushed(SqliteSession session, string source, string id)
    {
        if (source == InboxName)
        {
            session.Changed.Add(ChangeTopic.Document(id));
        }
    }

    private static void DeleteUnusedBlob(SqliteSession session, string tenant, string hash) =>
        session.Execute(
            """
            delete from blobs where tenant = $1 and hash = $2
                and not exists (select 1 from documents where tenant = $1 and blob_hash = $2)
                and not exists (select 1 from attachments where tenant = $1 and hash = $2)
            """,
            tenant,
            hash
        );
}
