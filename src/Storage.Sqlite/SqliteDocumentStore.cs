using System.Runtime.CompilerServices;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

/// <summary>Ledger, knowledge and inbox in SQLite.</summary>
internal sealed partial class SqliteDocumentStore(SqliteDatabase database) : IDocumentStore, IInboxStore, IDocumentQueue
{
    public async IAsyncEnumerable<LedgerEntry> ReadLedgerAsync(
        CollectionKey collection,
        string source,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var read = await database.BeginReadAsync(cancellationToken).ConfigureAwait(false);
        var scan = IsMostOfAll(read.Session, collection, source) ? "+" : "";
        using var reader = read.Session.Query(
            $"""
            select id, external_id, {SqliteLedgerRow.Columns}
            from documents
            where {scan}tenant = $1 and {scan}collection = $2 and {scan}source = $3
            """,
            collection.Tenant,
            collection.Collection,
            source
        );
        var row = new SqliteLedgerRow();
        while (reader.Read())
        {
            yield return row.Read(reader.GetString(0), reader.GetString(1), reader.GetString(2));
        }
    }

    private static (string DocumentId, SourceDocument Document, DateTimeOffset SeenAt) Seen(
        (DocumentClaim Claim, DateTimeOffset SeenAt) one
    ) => (one.Claim.Entry.DocumentId, one.Claim.Document, one.SeenAt);

    /// <summary>
    /// Whether a source has so many of all documents that the table is read from end to end: by an index each row is looked up at another
    /// place of the file, which takes three times as long a row. (A plus keeps a condition from an index; with one that has none SQLite
    /// walks along the index all the same.)
    /// </summary>
    private static bool IsMostOfAll(SqliteSession session, CollectionKey collection, string source) =>
        session.Scalar(
            """
            select 3 * (select count(*) from documents where tenant = $1 and collection = $2 and source = $3)
                > (select count(*) from documents)
            """,
            collection.Tenant,
            collection.Collection,
            source
        )
            is 1L;

    public ValueTask MarkSeenAsync(
        CollectionKey collection,
        string source,
        IReadOnlyList<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken = default
    ) => database.WriteAsync(session => MarkSeen(session, collection, source, documents), cancellationToken);

    public ValueTask<IReadOnlyList<bool>> NoteUnchangedAsync(
        IReadOnlyList<(DocumentClaim Claim, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync<IReadOnlyList<bool>>(
            session =>
            {
                var held = documents.Where(one => IsHeldBy(session, one.Claim.Entry.DocumentId, one.Claim)).ToHashSet();
                foreach (var group in held.GroupBy(one => (one.Claim.Collection, one.Claim.Source)))
                {
                    var (collection, source) = group.Key;
                    MarkSeen(session, collection, source, [.. group.Select(Seen)]);
                }

                return [.. documents.Select(held.Contains)];
            },
            cancellationToken
        );

    public ValueTask RecordFailureAsync(DocumentFailure failure, CancellationToken cancellationToken = default)
    {
        failure = StorableText.Of(failure);
        return database.WriteAsync(
            session =>
            {
                var (id, version) = FindOrAdd(session, failure.Collection, failure.Source, failure.Document);
                if (!IsHeldBy(session, id, failure.Claim))
                {
                    throw new ClaimLostException(failure.Document.Name, failure.Claim!.Owner);
                }

                if (IsPushedAnew(session, id, failure.Document))
                {
                    return;
                }

                session.Execute(
                    """
                    update documents set state = $2, size = $3, modified_at = $4, modified_ticks = $5, seen_at = $6, content_hash = null,
                        pipeline_fingerprint = $7, attempts = attempts + 1, last_error = $8, last_error_class = $9, next_action_at = $10,
                        updated_at = $11, owner = null, claimed_until = null
                    where id = $1
                    """,
                    id,
                    StoredValue.Text(failure.State),
                    failure.Document.Size,
                    failure.Document.ModifiedAt?.ToUnixTimeMilliseconds(),
                    failure.Document.ModifiedAt?.UtcTicks,
                    failure.SeenAt.ToUnixTimeMilliseconds(),
                    failure.PipelineFingerprint,
                    failure.Error,
                    StoredValue.Text(failure.ErrorClass),
                    failure.NextActionAt?.ToUnixTimeMilliseconds(),
                    database.Now
                );
                AddAttempt(
                    session,
                    id,
                    failure.SeenAt,
                    failure.Duration,
                    StoredValue.Text(failure.State),
                    StoredValue.Text(failure.ErrorClass),
                    failure.Error
                );
                SignalPushed(session, failure.Source, id);
            },
            cancellationToken
        );
    }

    public ValueTask<int> DeleteAsync(
        CollectionKey collection,
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken = default
    ) => database.WriteAsync(session => Delete(session, collection, documentIds), cancellationToken);

    public ValueTask RecordRunAsync(
        CollectionKey collection,
        string source,
        DateTimeOffset startedAt,
        string reportJson,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
            {
                var now = database.Now;
                session.Execute(
                    """
                    insert into ingestion_runs (tenant, collection, source, started_at, finished_at, report)
                    values ($1, $2, $3, $4, $5, $6)
                    """,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    startedAt.ToUnixTimeMilliseconds(),
                    now,
                    reportJson
                );
                session.Execute(
                    """
                    insert into sources (tenant, collection, name, created_at, last_run_at) values ($1, $2, $3, $4, $4)
                    on conflict (tenant, collection, name) do update set last_run_at = excluded.last_run_at
                    """,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    now
                );
            },
            cancellationToken
        );

    /// <summary>Whether a pushed document has had other content or facts since it was listed like this: what was found out is out of date.</summary>
    private static bool IsPushedAnew(
        SqliteSession session,
        string id,
        SourceDocument listed,
        string? contentHash = null
    ) =>
        session.Scalar(
            "select 1 from documents where id = $1 and (blob_hash <> coalesce($3, blob_hash) or blob_hash is not null and modified_ticks is not $2)",
            id,
            listed.ModifiedAt?.UtcTicks,
            contentHash
        )
            is not null;

    private static void AddAttempt(
        SqliteSession session,
        string id,
        DateTimeOffset startedAt,
        TimeSpan duration,
        string outcome,
        string? errorClass,
        string? error
    ) =>
        session.Execute(
            """
            insert into ingestion_attempts (document_id, started_at, duration_ms, outcome, error_class, error)
            values ($1, $2, $3, $4, $5, $6)
            """,
            id,
            startedAt.ToUnixTimeMilliseconds(),
            (long)duration.TotalMilliseconds,
            outcome,
            errorClass,
            error
        );

    private static void ReplacePrincipals(SqliteSession session, string id, IReadOnlyList<string> principals)
    {
        session.Execute("delete from document_principals where document_id = $1", id);
        foreach (var principal in principals.Distinct(StringComparer.Ordinal))
        {
            session.Execute("insert into document_principals (document_id, principal) values ($1, $2)", id, principal);
        }
    }

    /// <summary>Brings what filters compare in line with the document's row.</summary>
    private static void ReplaceMetadata(SqliteSession session, string id)
    {
        session.Execute("delete from document_metadata where document_id = $1", id);
        IReadOnlyDictionary<string, string> metadata;
        using (var reader = session.Query("select metadata, source_metadata from documents where id = $1", id))
        {
            metadata = reader.Read()
                ? DocumentMetadata.Join(StoredValue.Map(reader.GetString(0)), StoredValue.Map(reader.GetString(1)))
                : new Dictionary<string, string>(0);
        }

        foreach (var entry in MetadataEntry.Of(metadata))
        {
            session.Execute(
                """
                insert into document_metadata (document_id, key, value, number, instant, tenant, collection)
                select id, $2, $3, $4, $5, tenant, collection from documents where id = $1
                """,
                id,
                entry.Key,
                entry.Value,
                entry.Number,
                entry.Instant
            );
        }
    }

    /// <summary>The row of a document, made in state pending when it is new.</summary>
    private (string Id, int Version) FindOrAdd(
        SqliteSession session,
        CollectionKey collection,
        string source,
        SourceDocument document
    )
    {
        using (
            var reader = session.Query(
                "select id, version from documents where tenant = $1 and collection = $2 and source = $3 and external_id = $4",
                collection.Tenant,
                collection.Collection,
                source,
                document.ExternalId
            )
        )
        {
            if (reader.Read())
            {
                return (reader.GetString(0), reader.GetInt32(1));
            }
        }

        // A moved document keeps its id, so the id of this place may be taken: count on.
        var salt = 0;
        var id = DocumentId.Derive(collection, source, document.ExternalId, salt);
        while (session.Scalar("select 1 from documents where id = $1", id) is not null)
        {
            id = DocumentId.Derive(collection, source, document.ExternalId, ++salt);
        }

        var now = database.Now;
        session.Execute(
            """
            insert into documents (id, tenant, collection, source, external_id, name, title, uri, state, source_metadata, created_at,
                updated_at, source_media_type, source_title)
            values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $10, $11, $12)
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
            now,
            document.MediaType,
            document.Title
        );
        ReplacePrincipals(session, id, document.Principals);
        return (id, 0);
    }
}
