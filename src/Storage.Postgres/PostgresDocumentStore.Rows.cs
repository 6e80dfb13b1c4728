using Npgsql;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

// The rows that hang on a document, and the document's own.
internal sealed partial class PostgresDocumentStore
{
    private const string RowColumns =
        "d.id, d.version, d.metadata, d.blob_hash, d.modified_ticks, d.owner, d.fencing_token, d.claimed_until > slipway.now()";

    /// <summary>A row of <c>documents</c> that this transaction has locked.</summary>
    /// <param name="Id">The document.</param>
    /// <param name="Version">Its current version.</param>
    /// <param name="Metadata">What the document says of itself.</param>
    /// <param name="BlobHash">What was pushed.</param>
    /// <param name="ModifiedTicks">The source's time.</param>
    /// <param name="Holder">Who has claimed it, if that is not over, and the claim's token.</param>
    private sealed record DocumentRow(
        string Id,
        int Version,
        IReadOnlyDictionary<string, string> Metadata,
        string? BlobHash,
        long? ModifiedTicks,
        (string Owner, long Token)? Holder
    )
    {
        /// <summary>
        /// Whether a worker comes in time, or works without a claim. The row's lock keeps the claim as it is until the commit.
        /// </summary>
        public bool IsHeldBy(DocumentClaim? claim) =>
            claim is null || (claim.Entry.DocumentId == Id && Holder == (claim.Owner, claim.FencingToken));

        /// <summary>Whether another content was pushed than the one that was worked on; it still waits, and nothing may be said of it.</summary>
        public bool IsPushedAnew(SourceDocument workedOn, string? contentHash = null) =>
            BlobHash is not null
            && ((contentHash is not null && BlobHash != contentHash) || ModifiedTicks != workedOn.ModifiedAt?.UtcTicks);
    }

    private static void AddAttempt(
        PostgresSession session,
        string id,
        DateTimeOffset startedAt,
        TimeSpan duration,
        string outcome,
        string? errorClass,
        string? error
    ) =>
        session.Queue(
            """
            insert into slipway.ingestion_attempts (document_id, started_at, duration_ms, outcome, error_class, error)
            values ($1, $2, $3, $4, $5, $6)
            """,
            id,
            Columns.Grain(startedAt),
            (long)duration.TotalMilliseconds,
            outcome,
            errorClass,
            error
        );

    private static void ReplacePrincipals(PostgresSession session, string id, IReadOnlyList<string> principals) =>
        ReplacePrincipals(session, [(id, principals)]);

    /// <summary>Writes only what differs: most looks at a document find the same grants.</summary>
    private static void ReplacePrincipals(
        PostgresSession session,
        (string Id, IReadOnlyList<string> Principals)[] documents
    )
    {
        var grants = documents
            .SelectMany(document => document.Principals.Select(principal => (document.Id, Principal: principal)))
            .Distinct()
            .ToArray();
        session.Queue(
            """
            delete from slipway.document_principals p where document_id = any ($1) and not exists (
                select from unnest($2::text[], $3::text[]) new (id, principal) where new.id = document_id and new.principal = p.principal)
            """,
            Array.ConvertAll(documents, document => document.Id),
            Array.ConvertAll(grants, grant => grant.Id),
            Array.ConvertAll(grants, grant => grant.Principal)
        );
        if (grants.Length > 0)
        {
            session.Queue(
                """
                insert into slipway.document_principals (document_id, principal) select * from unnest($1::text[], $2::text[])
                on conflict do nothing
                """,
                Array.ConvertAll(grants, grant => grant.Id),
                Array.ConvertAll(grants, grant => grant.Principal)
            );
        }
    }

    private static void ReplaceMetadata(
        PostgresSession session,
        CollectionKey collection,
        string id,
        IReadOnlyDictionary<string, string> metadata
    ) => ReplaceMetadata(session, collection, [(id, metadata)]);

    /// <summary>What filters compare.</summary>
    private static void ReplaceMetadata(
        PostgresSession session,
        CollectionKey collection,
        (string Id, IReadOnlyDictionary<string, string> Metadata)[] documents
    )
    {
        session.Queue(
            "delete from slipway.document_metadata where document_id = any ($1)",
            Array.ConvertAll(documents, document => document.Id)
        );
        var entries = documents
            .SelectMany(document => MetadataEntry.Of(document.Metadata).Select(entry => (document.Id, Entry: entry)))
            .ToArray();
        if (entries.Length > 0)
        {
            session.Queue(
                """
                insert into slipway.document_metadata (tenant, collection, document_id, key, value, number, instant)
                select $1, $2, new.*
                from unnest($3::text[], $4::bytea[], $5::bytea[], $6::double precision[], $7::bigint[]) as new
                """,
                collection.Tenant,
                collection.Collection,
                Array.ConvertAll(entries, entry => entry.Id),
                Array.ConvertAll(entries, entry => entry.Entry.Key),
                Array.ConvertAll(entries, entry => entry.Entry.Value),
                Array.ConvertAll(entries, entry => entry.Entry.Number),
                Array.ConvertAll(entries, entry => entry.Entry.Instant)
            );
        }
    }

    /// <summary>The row of a document, locked; made in state pending when it is new.</summary>
    private async Task<DocumentRow> FindOrAddAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        SourceDocument document
    )
    {
        // A moved document keeps its id, so the id of this place may be taken: count on. Or another worker adds the same document at
        // this moment: the insert waits for it, adds nothing, and the row is found.
        for (var salt = 0; ; salt++)
        {
            if (await FindAsync(session, collection, source, document).ConfigureAwait(false) is { } found)
            {
                return found;
            }

            var id = DocumentId.Derive(collection, source, document.ExternalId, salt);
            var added = await session
                .ExecuteAsync(
                    """
                    insert into slipway.documents
                        (id, tenant, collection, source, external_id, name, title, uri, state, source_metadata, created_at, updated_at,
                            source_media_type, source_title)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $10, $11, $12)
                    on conflict do nothing
                    """,
                    id,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    document.ExternalId,
                    document.Name,
                    document.Title ?? document.Name,
                    document.Uri,
                    StoredValue.Json(document.Metadata),
                    database.Now,
                    document.MediaType,
                    document.Title
                )
                .ConfigureAwait(false);
            if (added == 1)
            {
                ReplacePrincipals(session, id, document.Principals);
                return new DocumentRow(id, 0, new Dictionary<string, string>(0), null, null, null);
            }
        }
    }

    private static Task<DocumentRow?> FindAsync(
        PostgresSession session,
        CollectionKey collection,
        string source,
        SourceDocument document
    ) =>
        ReadRowAsync(
            session,
            $"""
            select {RowColumns} from slipway.documents d
            where tenant = $1 and collection = $2 and source = $3 and external_id = $4
            for no key update
            """,
            collection.Tenant,
            collection.Collection,
            source,
            document.ExternalId
        );

    private static async Task<DocumentRow?> ReadRowAsync(
        PostgresSession session,
        string sql,
        params object?[] arguments
    )
    {
        var reader = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false) ? ReadRow(reader) : null;
        }
    }

    private static DocumentRow ReadRow(NpgsqlDataReader reader) =>
        new(
            reader.GetString(0),
            reader.GetInt32(1),
            StoredValue.Map(reader.GetString(2)),
            reader.NullableString(3),
            reader.NullableInt64(4),
            !reader.IsDBNull(7) && reader.GetBoolean(7) ? (reader.GetString(5), reader.GetInt64(6)) : null
        );
}
