using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

// The rows that hang on a document, and the document's own.
internal sealed partial class PostgresDocumentStore
{
    private const string RowColumns = "d.id, d.version, d.metadata, d.blob_hash, d.modified_ticks";

    /// <summary>A row of <c>documents</c> that this transaction has locked.</summary>
    /// <param name="Id">The document.</param>
    /// <param name="Version">Its current version.</param>
    /// <param name="Metadata">What the document says of itself.</param>
    /// <param name="BlobHash">What was pushed.</param>
    /// <param name="ModifiedTicks">The source's time.</param>
    private sealed record DocumentRow(
        string Id,
        int Version,
        IReadOnlyDictionary<string, string> Metadata,
        string? BlobHash,
        long? ModifiedTicks
    )
    {
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

    /// <summary>Writes only what differs: most looks at a document find the same grants.</summary>
    private static void ReplacePrincipals(PostgresSession session, string id, IReadOnlyList<string> principals)
    {
        var names = principals.Distinct(StringComparer.Ordinal).ToArray();
        session.Queue(
            "delete from slipway.document_principals where document_id = $1 and principal <> all($2)",
            id,
            names
        );
        session.Queue(
            """
            insert into slipway.document_principals (document_id, principal) select $1, principal from unnest($2) principal
            on conflict do nothing
            """,
            id,
            names
        );
    }

    /// <summary>What filters compare.</summary>
    private static void ReplaceMetadata(
        PostgresSession session,
        CollectionKey collection,
        string id,
        IReadOnlyDictionary<string, string> metadata
    )
    {
        session.Queue("delete from slipway.document_metadata where document_id = $1", id);
        var entries = MetadataEntry.Of(metadata);
        if (entries.Count > 0)
        {
            session.Queue(
                """
                insert into slipway.document_metadata (document_id, key, value, number, instant, tenant, collection)
                select $1, key, value, number, instant, $2, $3
                from unnest($4, $5, $6, $7) as new (key, value, number, instant)
                """,
                id,
                collection.Tenant,
                collection.Collection,
                entries.Select(entry => entry.Key).ToArray(),
                entries.Select(entry => entry.Value).ToArray(),
                entries.Select(entry => entry.Number).ToArray(),
                entries.Select(entry => entry.Instant).ToArray()
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
                        (id, tenant, collection, source, external_id, name, title, uri, state, source_metadata, created_at, updated_at)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $10)
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
                    database.Now
                )
                .ConfigureAwait(false);
            if (added == 1)
            {
                ReplacePrincipals(session, id, document.Principals);
                return new DocumentRow(id, 0, new Dictionary<string, string>(0), null, null);
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
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? new DocumentRow(
                    reader.GetString(0),
                    reader.GetInt32(1),
                    StoredValue.Map(reader.GetString(2)),
                    reader.NullableString(3),
                    reader.NullableInt64(4)
                )
                : null;
        }
    }
}
