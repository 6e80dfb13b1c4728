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
    ) => database.WriteAsync(null, session => MarkSeenAsync(session, collection, source, documents), cancellationToken);

    public ValueTask<IReadOnlyList<bool>> NoteUnchangedAsync(
        IReadOnlyList<(DocumentClaim Claim, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync<IReadOnlyList<bool>>(
            null,
            async session =>
            {
                var held = await LockHeldAsync(session, [.. documents.Select(one => one.Claim)]).ConfigureAwait(false);
                foreach (
                    var group in documents
                        .Where(one => held.Contains(Key(one.Claim)))
                        .GroupBy(one => (one.Claim.Collection, one.Claim.Source))
                )
                {
                    var (collection, source) = group.Key;
                    await MarkSeenAsync(
                            session,
                            collection,
                            source,
                            [.. group.Select(one => (one.Claim.Entry.DocumentId, one.Claim.Document, one.SeenAt))]
                        )
                        .ConfigureAwait(false);
                }

                return [.. documents.Select(one => held.Contains(Key(one.Claim)))];
            },
            cancellationToken
        );

    /// <summary>What tells a claim from another one of the same document, which the same owner may have lost.</summary>
    private static (string DocumentId, long Token) Key(DocumentClaim claim) =>
        (claim.Entry.DocumentId, claim.FencingToken);

    /// <summary>The claims that are not lost. The rows' locks keep them until the commit.</summary>
    private static async Task<HashSet<(string DocumentId, long Token)>> LockHeldAsync(
        PostgresSession session,
        IReadOnlyList<DocumentClaim> claims
    )
    {
        var held = new HashSet<(string, long)>();
        var reader = await session
            .QueryAsync(
                """
                select d.id, d.fencing_token from slipway.documents d
                join unnest($1::text[], $2::text[], $3::bigint[]) as claim (id, owner, token)
                    on claim.id = d.id and claim.owner = d.owner and claim.token = d.fencing_token
                where d.claimed_until > slipway.now() order by d.id for update of d
                """,
                claims.Select(claim => claim.Entry.DocumentId).ToArray(),
                claims.Select(claim => claim.Owner).ToArray(),
                claims.Select(claim => claim.FencingToken).ToArray()
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                held.Add((reader.GetString(0), reader.GetInt64(1)));
            }
        }

        return held;
    }

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
    ) => database.WriteAsync(null, session => DeleteAsync(session, collection, documentIds), cancellationToken);

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
}
