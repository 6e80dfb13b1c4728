using System.Runtime.CompilerServices;
using Npgsql;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

/// <summary>Ledger, knowledge and inbox in PostgreSQL.</summary>
internal sealed partial class PostgresDocumentStore(PostgresDatabase database)
    : IDocumentStore,
        IInboxStore,
        IDocumentQueue
{
    /// <summary>Documents in one batch of statements.</summary>
    private const int SeenAtOnce = 500;

    public async IAsyncEnumerable<LedgerEntry> ReadLedgerAsync(
        CollectionKey collection,
        string source,
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
                        select id, external_id, state, size, modified_ticks, seen_at, content_hash, pipeline_fingerprint, version,
                            attempts, next_action_at
                        from slipway.documents where tenant = $1 and collection = $2 and source = $3
                        """,
                        collection.Tenant,
                        collection.Collection,
                        source
                    )
                )
                .ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await database.GuardAsync(() => reader.ReadAsync(cancellationToken)).ConfigureAwait(false))
                {
                    yield return new LedgerEntry
                    {
                        DocumentId = reader.GetString(0),
                        ExternalId = reader.GetString(1),
                        State = StoredValue.State(reader.GetString(2)),
                        Size = reader.NullableInt64(3),
                        ModifiedAt = reader.NullableTicks(4),
                        SeenAt = reader.NullableTime(5),
                        ContentHash = reader.NullableString(6),
                        PipelineFingerprint = reader.NullableString(7),
                        Version = reader.GetInt32(8),
                        Attempts = reader.GetInt32(9),
                        NextActionAt = reader.NullableTime(10),
                    };
                }
            }
        }
    }

    public ValueTask MarkSeenAsync(
        CollectionKey collection,
        string source,
        IReadOnlyList<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            null,
            async session =>
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
            },
            cancellationToken
        );

    public ValueTask RecordFailureAsync(DocumentFailure failure, CancellationToken cancellationToken = default)
    {
        failure = StorableText.Of(failure);
        return database.WriteAsync(
            null,
            async session =>
            {
                var row = await FindOrAddAsync(session, failure.Collection, failure.Source, failure.Document)
                    .ConfigureAwait(false);
                if (!row.IsHeldBy(failure.Claim))
                {
                    throw new ClaimLostException(failure.Document.Name, failure.Claim!.Owner);
                }

                if (row.IsPushedAnew(failure.Document))
                {
                    return;
                }

                session.Queue(
                    """
                    update slipway.documents set state = $2, size = $3, modified_at = $4, modified_ticks = $5, seen_at = $6,
                        content_hash = null, pipeline_fingerprint = $7, attempts = attempts + 1, last_error = $8,
                        last_error_class = $9, next_action_at = $10, updated_at = $11, owner = null, claimed_until = null
                    where id = $1
                    """,
                    row.Id,
                    StoredValue.Text(failure.State),
                    failure.Document.Size,
                    Columns.Grain(failure.Document.ModifiedAt),
                    failure.Document.ModifiedAt?.UtcTicks,
                    Columns.Grain(failure.SeenAt),
                    failure.PipelineFingerprint,
                    failure.Error,
                    StoredValue.Text(failure.ErrorClass),
                    Columns.Grain(failure.NextActionAt),
                    database.Now
                );
                AddAttempt(
                    session,
                    row.Id,
                    failure.SeenAt,
                    failure.Duration,
                    StoredValue.Text(failure.State),
                    StoredValue.Text(failure.ErrorClass),
                    failure.Error
                );
                SignalPushed(session, failure.Source, row.Id);
            },
            cancellationToken
        );
    }

    public ValueTask<int> DeleteAsync(
        CollectionKey collection,
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            null,
            async session =>
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
            },
            cancellationToken
        );

    public ValueTask RecordRunAsync(
        CollectionKey collection,
        string source,
        DateTimeOffset startedAt,
        string reportJson,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            null,
            session =>
            {
                var now = database.Now;
                session.Queue(
                    """
                    insert into slipway.ingestion_runs (tenant, collection, source, started_at, finished_at, report)
                    values ($1, $2, $3, $4, $5, $6)
                    """,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    Columns.Grain(startedAt),
                    now,
                    reportJson
                );
                session.Queue(
                    """
                    insert into slipway.sources (tenant, collection, name, created_at, last_run_at) values ($1, $2, $3, $4, $4)
                    on conflict (tenant, collection, name) do update set last_run_at = excluded.last_run_at
                    """,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    now
                );
                return Task.CompletedTask;
            },
            cancellationToken
        );

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
                last_error = null, last_error_class = null, next_action_at = null, owner = null, claimed_until = null
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
            source
        );
}
