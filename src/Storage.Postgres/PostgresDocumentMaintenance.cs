using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>The operator's side of the documents in PostgreSQL.</summary>
internal sealed partial class PostgresDocumentMaintenance(PostgresDatabase database) : IDocumentMaintenance
{
    public async ValueTask<IReadOnlyList<DocumentInfo>> FindAsync(
        CollectionKey collection,
        string document,
        string? source = null,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(document) || (source is not null && !PostgresAccess.CanBeStored(source))
            ? []
            : await database
                .ReadAsync<IReadOnlyList<DocumentInfo>>(
                    null,
                    async session =>
                    {
                        var reader = await session
                            .QueryAsync(
                                $"""
                                select {PostgresDocumentStore.InfoColumns} from slipway.documents d
                                where tenant = $1 and collection = $2 and (id = $3 or external_id = $3 or name = $3)
                                    and ($4::text is null or source = $4)
                                order by id
                                """,
                                collection.Tenant,
                                collection.Collection,
                                document,
                                source
                            )
                            .ConfigureAwait(false);
                        await using (reader.ConfigureAwait(false))
                        {
                            List<DocumentInfo> found = [];
                            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                            {
                                found.Add(PostgresDocumentStore.Info(reader));
                            }

                            return found;
                        }
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

    public async ValueTask<DocumentExplanation?> ExplainAsync(
        CollectionKey collection,
        string documentId,
        int attempts = 10,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(attempts);
        return !PostgresAccess.CanBeStored(documentId)
            ? null
            : await database
                .ReadAsync(null, session => ExplainAsync(session, collection, documentId, attempts), cancellationToken)
                .ConfigureAwait(false);
    }

    public ValueTask<int> RetryAsync(
        CollectionKey collection,
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(documentIds);
        return RetryAsync(
            collection,
            "id = any($3)",
            documentIds.Where(PostgresAccess.CanBeStored).ToArray(),
            cancellationToken
        );
    }

    public ValueTask<int> RetryAllAsync(CollectionKey collection, CancellationToken cancellationToken = default) =>
        RetryAsync(collection, "state = any($3)", ["failed", "quarantined"], cancellationToken);

    public ValueTask<IReadOnlyList<StuckDocument>> FindStuckAsync(
        CollectionKey collection,
        TimeSpan? overdue = null,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<StuckDocument>>(
            null,
            async session =>
            {
                var reader = await session
                    .QueryAsync(
                        """
                        select id, source, name, state, reason from (
                            select id, source, name, state, case
                                when state in ('pending', 'failed') and next_action_at is null then 'NoNextAction'
                                when state in ('failed', 'quarantined') and last_error_class is null then 'NoError'
                                when next_action_at <= slipway.now() - $3::float8 * interval '1 millisecond'
                                    and (claimed_until is null or claimed_until <= slipway.now()) then 'Overdue'
                                end as reason
                            from slipway.documents where tenant = $1 and collection = $2) looked_at
                        where reason is not null order by id
                        """,
                        collection.Tenant,
                        collection.Collection,
                        overdue?.TotalMilliseconds
                    )
                    .ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    List<StuckDocument> stuck = [];
                    while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        stuck.Add(
                            new StuckDocument(
                                reader.GetString(0),
                                reader.GetString(1),
                                reader.GetString(2),
                                StoredValue.State(reader.GetString(3)),
                                Enum.Parse<StuckReason>(reader.GetString(4))
                            )
                        );
                    }

                    return stuck;
                }
            },
            cancellationToken
        );

    private ValueTask<int> RetryAsync(
        CollectionKey collection,
        string condition,
        string[] values,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            null,
            async session =>
            {
                // Locked in one order, so that nobody who takes several blocks another. The last error stays until the next attempt: it is
                // what people want to see meanwhile.
                var due = await session
                    .ExecuteAsync(
                        $"""
                        with retried as (
                            select id from slipway.documents
                            where tenant = $1 and collection = $2 and {condition}
                                and (claimed_until is null or claimed_until <= slipway.now())
                            order by id for no key update
                        )
                        update slipway.documents d set state = 'pending', attempts = 0, next_action_at = $4, updated_at = $4, owner = null,
                            claimed_until = null
                        from retried where d.id = retried.id
                        """,
                        collection.Tenant,
                        collection.Collection,
                        values,
                        database.Now
                    )
                    .ConfigureAwait(false);
                if (due > 0)
                {
                    session.Changed.Add(ChangeTopic.Collection(collection.Tenant, collection.Collection));
                }

                return due;
            },
            cancellationToken
        );

    private static async Task<DocumentExplanation?> ExplainAsync(
        PostgresSession session,
        CollectionKey collection,
        string documentId,
        int attempts
    )
    {
        var history = await ReadAttemptsAsync(session, documentId, attempts).ConfigureAwait(false);
        var reader = await session
            .QueryAsync(
                $"""
                select {PostgresDocumentStore.InfoColumns}, owner, claimed_until, owner is not null and coalesce(claimed_until > slipway.now(), false),
                    seen_at, created_at, updated_at
                from slipway.documents d where id = $1 and tenant = $2 and collection = $3
                """,
                documentId,
                collection.Tenant,
                collection.Collection
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? new DocumentExplanation
                {
                    Document = PostgresDocumentStore.Info(reader),
                    Owner = reader.NullableString(22),
                    ClaimedUntil = reader.NullableTime(23),
                    IsHeld = reader.GetBoolean(24),
                    SeenAt = reader.NullableTime(25),
                    CreatedAt = reader.Time(26),
                    UpdatedAt = reader.Time(27),
                    Attempts = history,
                }
                : null;
        }
    }

    private static async Task<List<IngestionAttempt>> ReadAttemptsAsync(
        PostgresSession session,
        string documentId,
        int count
    )
    {
        var reader = await session
            .QueryAsync(
                """
                select started_at, duration_ms, outcome, error_class, error from slipway.ingestion_attempts
                where document_id = $1 order by id desc limit $2
                """,
                documentId,
                count
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            List<IngestionAttempt> attempts = [];
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                attempts.Add(
                    new IngestionAttempt
                    {
                        StartedAt = reader.Time(0),
                        Duration = TimeSpan.FromMilliseconds(reader.GetInt64(1)),
                        Outcome = reader.GetString(2),
                        ErrorClass = reader.NullableString(3) is { } errorClass
                            ? StoredValue.ErrorClass(errorClass)
                            : null,
                        Error = reader.NullableString(4),
                    }
                );
            }

            return attempts;
        }
    }
}
