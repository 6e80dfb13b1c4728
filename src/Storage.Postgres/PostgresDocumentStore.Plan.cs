using Npgsql;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

// What a planner writes.
internal sealed partial class PostgresDocumentStore
{
    /// <summary>Documents in one batch of statements.</summary>
    private const int SeenAtOnce = 500;

    /// <summary>Planned documents from which on it is worth telling PostgreSQL what is in the table now.</summary>
    private const int ManyPlanned = 1_000;

    private int _planned;
    private int _counted;

    public async ValueTask<int> ApplyAsync(PlannedChanges plan, CancellationToken cancellationToken = default)
    {
        var deleted = await database
            .WriteAsync(null, session => ApplyAsync(session, plan), cancellationToken)
            .ConfigureAwait(false);
        await RefreshStatisticsAsync(plan.Due.Count, cancellationToken).ConfigureAwait(false);
        return deleted;
    }

    private async Task<int> ApplyAsync(PostgresSession session, PlannedChanges plan)
    {
        if (plan.Planner is { } lease)
        {
            await RequireHeldAsync(session, lease).ConfigureAwait(false);
        }

        if (plan.Moved.Count > 0)
        {
            await MarkSeenAsync(session, plan.Collection, plan.Source, plan.Moved).ConfigureAwait(false);
        }

        var deleted =
            plan.Gone.Count == 0 ? 0 : await DeleteAsync(session, plan.Collection, plan.Gone).ConfigureAwait(false);
        if (plan.Due.Count > 0)
        {
            await MakeDueAsync(session, plan, [.. plan.Due.Select(StorableText.Of)]).ConfigureAwait(false);
        }

        return deleted;
    }

    /// <summary>
    /// Autovacuum counts a table a minute after it was filled. Until then every index that begins with the collection looks as good as the
    /// one by place, and each look at a place may read the whole collection. Whoever does not own the table gets a warning and no more.
    /// </summary>
    private async ValueTask RefreshStatisticsAsync(int planned, CancellationToken cancellationToken)
    {
        var all = Interlocked.Add(ref _planned, planned);
        var counted = Volatile.Read(ref _counted);
        if (
            all >= Math.Max(ManyPlanned, 2L * counted)
            && Interlocked.CompareExchange(ref _counted, all, counted) == counted
        )
        {
            await database
                .WriteAsync(
                    null,
                    session =>
                    {
                        session.Queue("analyze slipway.documents");
                        return session.FlushAsync();
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>The row stays locked, so the lease is as it is until the commit; planners of other sources are not in the way.</summary>
    private static async Task RequireHeldAsync(PostgresSession session, Lease lease)
    {
        if (
            await session
                .ScalarAsync(
                    """
                    select 1 from slipway.leases
                    where name = $1 and owner = $2 and fencing_token = $3 and expires_at > slipway.now()
                    for share
                    """,
                    lease.Name,
                    lease.Owner,
                    lease.FencingToken
                )
                .ConfigureAwait(false)
            is null
        )
        {
            throw new LeaseLostException(lease);
        }
    }

    private async Task MakeDueAsync(PostgresSession session, PlannedChanges plan, SourceDocument[] documents)
    {
        var ids = await FindOrAddAsync(session, plan.Collection, plan.Source, documents).ConfigureAwait(false);
        session.Queue(
            // Due by both clocks: those of hosts and of the database may differ.
            """
            update slipway.documents d set state = 'pending', name = new.name, uri = new.uri, size = new.size,
                modified_at = new.modified_at, modified_ticks = new.modified_ticks, source_metadata = new.source_metadata,
                source_media_type = new.media_type, source_title = new.title, updated_at = $1, attempts = 0, last_error = null,
                last_error_class = null, next_action_at = least($1, slipway.now()), owner = null, claimed_until = null
            from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::bigint[], $8::text[], $9::text[],
                $10::text[])
                as new (id, name, uri, size, modified_at, modified_ticks, source_metadata, media_type, title)
            where d.id = new.id
            """,
            database.Now,
            ids,
            Array.ConvertAll(documents, document => document.Name),
            Array.ConvertAll(documents, document => document.Uri),
            Array.ConvertAll(documents, document => document.Size),
            Array.ConvertAll(documents, document => Columns.Grain(document.ModifiedAt)),
            Array.ConvertAll(documents, document => document.ModifiedAt?.UtcTicks),
            Array.ConvertAll(documents, document => StoredValue.Json(document.Metadata)),
            Array.ConvertAll(documents, document => document.MediaType),
            Array.ConvertAll(documents, document => document.Title)
        );
        ReplacePrincipals(session, [.. ids.Zip(documents, (id, document) => (id, document.Principals))]);
        await session.FlushAsync().ConfigureAwait(false);
    }

    /// <summary>The ids of documents at their places, made where they are new, in one or two round trips.</summary>
    private async Task<string[]> FindOrAddAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        SourceDocument[] documents
    )
    {
        session.Queue(
            """
            insert into slipway.documents
                (tenant, collection, source, state, created_at, updated_at, id, external_id, name, title)
            select $1, $2, $3, 'pending', $4, $4, new.*
            from unnest($5::text[], $6::text[], $7::text[], $8::text[]) as new
            on conflict do nothing
            """,
            collection.Tenant,
            collection.Collection,
            source,
            database.Now,
            Array.ConvertAll(documents, d => DocumentId.Derive(collection, source, d.ExternalId)),
            Array.ConvertAll(documents, d => d.ExternalId),
            Array.ConvertAll(documents, d => d.Name),
            Array.ConvertAll(documents, d => d.Title ?? d.Name)
        );
        var found = new Dictionary<string, string>(documents.Length, StringComparer.Ordinal);
        var reader = await session
            .QueryAsync(
                // Locked in one order, as by everybody who takes several.
                """
                select id, external_id from slipway.documents
                where tenant = $1 and collection = $2 and source = $3 and external_id = any ($4)
                order by id for no key update
                """,
                collection.Tenant,
                collection.Collection,
                source,
                Array.ConvertAll(documents, d => d.ExternalId)
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                found[reader.GetString(1)] = reader.GetString(0);
            }
        }

        var ids = new string[documents.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            // The id of the place may be taken by a document that was moved away.
            ids[i] =
                found.GetValueOrDefault(documents[i].ExternalId)
                ?? (await FindOrAddAsync(session, collection, source, documents[i]).ConfigureAwait(false)).Id;
        }

        return ids;
    }

    private async Task MarkSeenAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        IReadOnlyList<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> documents
    )
    {
        var known = await LockAsync(
                session,
                collection,
                source,
                [.. documents.Select(document => document.DocumentId).Where(PostgresAccess.CanBeStored)]
            )
            .ConfigureAwait(false);
        foreach (var batch in documents.Where(seen => known.ContainsKey(seen.DocumentId)).Chunk(SeenAtOnce))
        {
            await MarkSeenAsync(session, collection, source, batch, known).ConfigureAwait(false);
        }
    }

    private async Task<int> DeleteAsync(
        PostgresSession session,
        CollectionKey collection,
        IReadOnlyCollection<string> documentIds
    )
    {
        var index = await PostgresIndexWriter
            .GetOrCreateIndexAsync(session, collection, null, database.Now)
            .ConfigureAwait(false);
        List<string> deleted = [];
        HashSet<string> blobs = new(StringComparer.Ordinal);
        var reader = await session
            .QueryAsync(
                // Locked in one order, so that two who delete wait for each other instead of blocking each other.
                """
                select id, blob_hash from slipway.documents
                where id = any($1) and tenant = $2 and collection = $3 order by id for update
                """,
                documentIds.Where(PostgresAccess.CanBeStored).ToArray(),
                collection.Tenant,
                collection.Collection
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                deleted.Add(reader.GetString(0));
                if (reader.NullableString(1) is { } blob)
                {
                    SignalPushed(session, InboxName, reader.GetString(0));
                    blobs.Add(blob);
                }
            }
        }

        // Chunks, rows, versions, attempts and grants go with it (on delete cascade).
        session.Queue("delete from slipway.documents where id = any($1)", deleted.ToArray());
        foreach (var id in deleted)
        {
            PostgresIndexWriter.Delete(session, index, id);
        }

        foreach (var blob in blobs.Order(StringComparer.Ordinal))
        {
            DeleteUnusedBlob(session, collection.Tenant, blob);
        }

        return deleted.Count;
    }

    /// <summary>Both kinds of metadata of those that are there and have a version, each row locked.</summary>
    private static async Task<Dictionary<string, (string Content, string Source)>> LockAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        string[] ids
    )
    {
        var found = new Dictionary<string, (string, string)>(ids.Length, StringComparer.Ordinal);
        var reader = await session
            .QueryAsync(
                """
                select id, metadata, source_metadata from slipway.documents
                where id = any($1) and version > 0 and tenant = $2 and collection = $3 and source = $4
                order by id for no key update
                """,
                ids,
                collection.Tenant,
                collection.Collection,
                source
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                found.Add(reader.GetString(0), (reader.GetString(1), reader.GetString(2)));
            }
        }

        return found;
    }

    /// <summary>Two round trips: the documents' rows, then what hangs on those that could be noted.</summary>
    private async Task MarkSeenAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        IReadOnlyList<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> documents,
        Dictionary<string, (string Content, string Source)> before
    )
    {
        var noting = documents
            .Select(seen =>
            {
                var document = StorableText.Of(seen.Document);
                return (
                    seen.DocumentId,
                    document,
                    Note(session, collection, source, seen.DocumentId, document, seen.SeenAt)
                );
            })
            .ToList();
        await session.FlushAsync().ConfigureAwait(false);
        foreach (var (id, document, _) in noting.Where(noted => noted.Item3.RecordsAffected > 0))
        {
            SignalPushed(session, source, id);
            ReplacePrincipals(session, id, document.Principals);
            if (before[id].Source != StoredValue.Json(document.Metadata))
            {
                var metadata = DocumentMetadata.Join(StoredValue.Map(before[id].Content), document.Metadata);
                ReplaceMetadata(session, collection, id, metadata);
            }
        }
    }

    private NpgsqlBatchCommand Note(
        PostgresSession session,
        CollectionKey collection,
        string source,
        string id,
        SourceDocument document,
        DateTimeOffset seenAt
    ) =>
        session.Queue(
            // When somebody else has just put another document at the new place, the next listing sorts it out.
            """
            update slipway.documents d set external_id = $2, name = $3, uri = $4, size = $5, modified_at = $6,
                modified_ticks = $7, seen_at = $8, updated_at = $9, source_metadata = $10, state = 'published', attempts = 0,
                last_error = null, last_error_class = null, next_action_at = null, owner = null, claimed_until = null,
                source_media_type = $14, source_title = $15,
                title = coalesce($16, case when title = derived_title then $17 else title end),
                derived_title = case when $16 is null and title = derived_title then $17 end
            where id = $1 and (blob_hash is null or modified_ticks is not distinct from $7) and not exists (
                select from slipway.documents other
                where other.tenant = $11 and other.collection = $12 and other.source = $13 and other.external_id = $2
                    and other.id <> d.id)
            """,
            id,
            document.ExternalId,
            document.Name,
            document.Uri,
            document.Size,
            Columns.Grain(document.ModifiedAt),
            document.ModifiedAt?.UtcTicks,
            Columns.Grain(seenAt),
            database.Now,
            StoredValue.Json(document.Metadata),
            collection.Tenant,
            collection.Collection,
            source,
            document.MediaType,
            document.Title,
            DocumentTitle.Given(document.Title),
            DocumentTitle.FromName(document.Name)
        );
}
