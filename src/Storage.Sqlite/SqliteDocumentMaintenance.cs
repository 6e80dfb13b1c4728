using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>The operator's side of the documents in SQLite.</summary>
internal sealed partial class SqliteDocumentMaintenance(SqliteDatabase database) : IDocumentMaintenance
{
    public ValueTask<IReadOnlyList<DocumentInfo>> FindAsync(
        CollectionKey collection,
        string document,
        string? source = null,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<DocumentInfo>>(
            session =>
            {
                using var reader = session.Query(
                    $"""
                    select {SqliteDocumentStore.InfoColumns} from documents d
                    where tenant = $1 and collection = $2 and (id = $3 or external_id = $3 or name = $3)
                        and ($4 is null or source = $4)
                    order by id
                    """,
                    collection.Tenant,
                    collection.Collection,
                    document,
                    source
                );
                List<DocumentInfo> found = [];
                while (reader.Read())
                {
                    found.Add(SqliteDocumentStore.Info(reader));
                }

                return found;
            },
            cancellationToken
        );

    public ValueTask<DocumentExplanation?> ExplainAsync(
        CollectionKey collection,
        string documentId,
        int attempts = 10,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegative(attempts);
        return database.ReadAsync(
            session =>
            {
                using var reader = session.Query(
                    $"""
                    select {SqliteDocumentStore.InfoColumns}, owner, claimed_until, owner is not null and claimed_until > slipway_now(),
                        seen_at, created_at, updated_at
                    from documents d where id = $1 and tenant = $2 and collection = $3
                    """,
                    documentId,
                    collection.Tenant,
                    collection.Collection
                );
                return reader.Read()
                    ? new DocumentExplanation
                    {
                        Document = SqliteDocumentStore.Info(reader),
                        Owner = reader.NullableString(22),
                        ClaimedUntil = reader.NullableTime(23),
                        IsHeld = reader.GetBoolean(24),
                        SeenAt = reader.NullableTime(25),
                        CreatedAt = reader.Time(26),
                        UpdatedAt = reader.Time(27),
                        Attempts = ReadAttempts(session, documentId, attempts),
                    }
                    : null;
            },
            cancellationToken
        );
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
            "id in (select value from json_each($4))",
            StoredValue.Json([.. documentIds]),
            cancellationToken
        );
    }

    public ValueTask<int> RetryAllAsync(CollectionKey collection, CancellationToken cancellationToken = default) =>
        RetryAsync(collection, "$4 is null and state in ('failed', 'quarantined')", null, cancellationToken);

    public ValueTask<IReadOnlyList<StuckDocument>> FindStuckAsync(
        CollectionKey collection,
        TimeSpan? overdue = null,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<StuckDocument>>(
            session =>
            {
                using var reader = session.Query(
                    """
                    select id, source, name, state, reason from (
                        select id, source, name, state, case
                            when state in ('pending', 'failed') and next_action_at is null then 'NoNextAction'
                            when state in ('failed', 'quarantined') and last_error_class is null then 'NoError'
                            when next_action_at <= slipway_now() - $3 and (claimed_until is null or claimed_until <= slipway_now())
                                then 'Overdue'
                            end as reason
                        from documents where tenant = $1 and collection = $2)
                    where reason is not null order by id
                    """,
                    collection.Tenant,
                    collection.Collection,
                    overdue is { } time ? (long)time.TotalMilliseconds : null
                );
                List<StuckDocument> stuck = [];
                while (reader.Read())
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
            },
            cancellationToken
        );

    private ValueTask<int> RetryAsync(
        CollectionKey collection,
        string condition,
        string? argument,
        CancellationToken cancellationToken
    ) =>
        database.WriteAsync(
            session =>
            {
                // The last error stays until the next attempt: it is what people want to see meanwhile.
                var due = session.Execute(
                    $"""
                    update documents set state = 'pending', attempts = 0, next_action_at = $3, updated_at = $3, owner = null,
                        claimed_until = null
                    where tenant = $1 and collection = $2 and {condition}
                        and (claimed_until is null or claimed_until <= slipway_now())
                    """,
                    collection.Tenant,
                    collection.Collection,
                    database.Now,
                    argument
                );
                if (due > 0)
                {
                    session.Changed.Add(ChangeTopic.Collection(collection.Tenant, collection.Collection));
                }

                return due;
            },
            cancellationToken
        );

    private static List<IngestionAttempt> ReadAttempts(SqliteSession session, string documentId, int count)
    {
        using var reader = session.Query(
            """
            select started_at, duration_ms, outcome, error_class, error from ingestion_attempts
            where document_id = $1 order by id desc limit $2
            """,
            documentId,
            count
        );
        List<IngestionAttempt> attempts = [];
        while (reader.Read())
        {
            attempts.Add(
                new IngestionAttempt
                {
                    StartedAt = reader.Time(0),
                    Duration = TimeSpan.FromMilliseconds(reader.GetInt64(1)),
                    Outcome = reader.GetString(2),
                    ErrorClass = reader.NullableString(3) is { } errorClass ? StoredValue.ErrorClass(errorClass) : null,
                    Error = reader.NullableString(4),
                }
            );
        }

        return attempts;
    }
}
