using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

// What a planner writes.
internal sealed partial class SqliteDocumentStore
{
    public ValueTask<int> ApplyAsync(PlannedChanges plan, CancellationToken cancellationToken = default) =>
        database.WriteMuchAsync(
            session =>
            {
                if (plan.Planner is { } lease)
                {
                    RequireHeld(session, lease);
                }

                MarkSeen(session, plan.Collection, plan.Source, plan.Moved);
                var deleted = plan.Gone.Count == 0 ? 0 : Delete(session, plan.Collection, plan.Gone);
                foreach (var document in plan.Due)
                {
                    MakeDue(session, plan, StorableText.Of(document));
                }

                return deleted;
            },
            cancellationToken
        );

    /// <summary>The write lock keeps the lease as it is until the commit.</summary>
    private static void RequireHeld(SqliteSession session, Lease lease)
    {
        if (
            session.Scalar(
                "select 1 from leases where name = $1 and owner = $2 and fencing_token = $3 and expires_at > slipway_now()",
                lease.Name,
                lease.Owner,
                lease.FencingToken
            )
            is null
        )
        {
            throw new LeaseLostException(lease);
        }
    }

    private void MakeDue(SqliteSession session, PlannedChanges plan, SourceDocument document)
    {
        var (id, _) = FindOrAdd(session, plan.Collection, plan.Source, document);
        session.Execute(
            // Due by both clocks: those of hosts and of the database may differ.
            """
            update documents set state = 'pending', name = $2, uri = $3, size = $4, modified_at = $5, modified_ticks = $6,
                source_metadata = $7, source_media_type = $8, source_title = $9, updated_at = $10, attempts = 0, last_error = null,
                last_error_class = null, next_action_at = min($10, slipway_now()), owner = null, claimed_until = null
            where id = $1
            """,
            id,
            document.Name,
            document.Uri,
            document.Size,
            document.ModifiedAt?.ToUnixTimeMilliseconds(),
            document.ModifiedAt?.UtcTicks,
            StoredValue.Json(document.Metadata),
            document.MediaType,
            document.Title,
            database.Now
        );
        ReplacePrincipals(session, id, document.Principals);
    }

    private void MarkSeen(
        SqliteSession session,
        CollectionKey collection,
        string source,
        IReadOnlyList<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> documents
    )
    {
        foreach (var (id, listed, seenAt) in documents)
        {
            var document = StorableText.Of(listed);
            var metadata = StoredValue.Json(document.Metadata);
            var changed =
                session.Scalar("select source_metadata from documents where id = $1", id) as string != metadata;
            // "or ignore": when somebody else has just put another document at the new place, the next listing sorts it out.
            var noted = session.Execute(
                """
                update or ignore documents set external_id = $2, name = $3, uri = $4, size = $5, modified_at = $6, modified_ticks = $7,
                    seen_at = $8, updated_at = $9, source_metadata = $13, state = 'published', attempts = 0,
                    last_error = null, last_error_class = null, next_action_at = null, owner = null, claimed_until = null,
                    source_media_type = $14, source_title = $15,
                    title = coalesce($16, case when title = derived_title then $17 else title end),
                    derived_title = case when $16 is null and title = derived_title then $17 end
                where id = $1 and version > 0 and tenant = $10 and collection = $11 and source = $12
                    and (blob_hash is null or modified_ticks is $7)
                """,
                id,
                document.ExternalId,
                document.Name,
                document.Uri,
                document.Size,
                document.ModifiedAt?.ToUnixTimeMilliseconds(),
                document.ModifiedAt?.UtcTicks,
                seenAt.ToUnixTimeMilliseconds(),
                database.Now,
                collection.Tenant,
                collection.Collection,
                source,
                metadata,
                document.MediaType,
                document.Title,
                DocumentTitle.Given(document.Title),
                DocumentTitle.FromName(document.Name)
            );
            if (noted > 0)
            {
                SignalPushed(session, source, id);
                ReplacePrincipals(session, id, document.Principals);
                if (changed)
                {
                    ReplaceMetadata(session, id);
                }
            }
        }
    }

    private static int Delete(SqliteSession session, CollectionKey collection, IReadOnlyCollection<string> documentIds)
    {
        var deleted = 0;
        var index = SqliteIndexWriter.GetOrCreateIndex(session, collection);
        foreach (var id in documentIds)
        {
            var blob = session.Scalar("select blob_hash from documents where id = $1", id) as string;
            // Chunks, rows, versions, attempts and grants go with it (on delete cascade).
            if (
                session.Execute(
                    "delete from documents where id = $1 and tenant = $2 and collection = $3",
                    id,
                    collection.Tenant,
                    collection.Collection
                ) == 0
            )
            {
                continue;
            }

            deleted++;
            SqliteIndexWriter.Delete(session, index, id);
            if (blob is not null)
            {
                SignalPushed(session, InboxName, id);
                DeleteUnusedBlob(session, collection.Tenant, blob);
            }
        }

        return deleted;
    }
}
