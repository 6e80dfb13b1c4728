using Npgsql;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentStore
{
    public ValueTask<IReadOnlyList<DocumentClaim>> ClaimAsync(
        CollectionKey collection,
        string owner,
        int count,
        TimeSpan duration,
        string? source = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(owner);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var milliseconds = StoredValue.Milliseconds(duration);
        return database.WriteAsync<IReadOnlyList<DocumentClaim>>(
            null,
            async session =>
            {
                var reader = await session
                    .QueryAsync(
                        // A token is drawn once its row is locked, so on one document they rise; a copied one may be ahead of the sequence.
                        """
                        with due as (
                            select id from slipway.documents
                            where tenant = $1 and collection = $2 and next_action_at <= (select slipway.now())
                                and (claimed_until is null or claimed_until <= (select slipway.now()))
                                and ($6::text is null or source = $6)
                            order by next_action_at, id limit $3 for no key update skip locked
                        ), claimed as (
                            update slipway.documents d set owner = $4, fencing_token = greatest(nextval('slipway.fencing_tokens'), d.fencing_token + 1),
                                claimed_until = slipway.now() + $5 * interval '1 millisecond'
                            from due where d.id = due.id returning d.*
                        )
                        select external_id, name, source_media_type, uri, size, modified_ticks, source_metadata, source_title,
                            array(select principal from slipway.document_principals p where p.document_id = d.id order by principal),
                            source, id, state, seen_at, content_hash, pipeline_fingerprint, version, attempts, next_action_at,
                            fencing_token, claimed_until
                        from claimed d order by next_action_at, id
                        """,
                        collection.Tenant,
                        collection.Collection,
                        count,
                        owner,
                        milliseconds,
                        source
                    )
                    .ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    List<DocumentClaim> claims = [];
                    while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        claims.Add(ReadClaim(reader, collection, owner));
                    }

                    return claims;
                }
            },
            cancellationToken
        );
    }

    public ValueTask<IReadOnlyList<DocumentClaim>> RenewAsync(
        IReadOnlyCollection<DocumentClaim> claims,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(claims);
        var milliseconds = StoredValue.Milliseconds(duration);
        return database.WriteAsync<IReadOnlyList<DocumentClaim>>(
            null,
            async session =>
            {
                var held = await UpdateHeldAsync(
                        session,
                        "claimed_until = slipway.now() + $4 * interval '1 millisecond'",
                        claims,
                        milliseconds
                    )
                    .ConfigureAwait(false);
                return
                [
                    .. claims
                        .Where(claim => held.ContainsKey(Key(claim)))
                        .Select(claim => claim with { ExpiresAt = held[Key(claim)]!.Value }),
                ];
            },
            cancellationToken
        );
    }

    public ValueTask<IReadOnlyList<string>> ListOwnersAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<string>>(
            null,
            async session =>
                (string[])
                    (
                        await session
                            .ScalarAsync(
                                """
                                select array(
                                    select distinct owner from slipway.documents
                                    where owner is not null and claimed_until > slipway.now() and tenant = $1 and collection = $2)
                                """,
                                collection.Tenant,
                                collection.Collection
                            )
                            .ConfigureAwait(false)
                    )!,
            cancellationToken
        );

    public ValueTask<int> ReleaseAsync(
        CollectionKey collection,
        string owner,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            null,
            session =>
                session.ExecuteAsync(
                    """
                    with held as (
                        select id from slipway.documents where owner = $1 and tenant = $2 and collection = $3 order by id for no key update
                    )
                    update slipway.documents d set owner = null, claimed_until = null from held where d.id = held.id
                    """,
                    owner,
                    collection.Tenant,
                    collection.Collection
                ),
            cancellationToken
        );

    public ValueTask<int> ReturnAsync(
        IReadOnlyCollection<DocumentClaim> claims,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(claims);
        return database.WriteAsync(
            null,
            async session =>
            {
                var held = await UpdateHeldAsync(session, "owner = null, claimed_until = null", claims)
                    .ConfigureAwait(false);
                foreach (var claim in claims.Where(claim => held.ContainsKey(Key(claim))))
                {
                    session.Changed.Add(ChangeTopic.Collection(claim.Collection.Tenant, claim.Collection.Collection));
                }

                return held.Count;
            },
            cancellationToken
        );
    }

    /// <summary>Changes the rows that are still held as the claims say.</summary>
    private static async Task<Dictionary<(string DocumentId, long Token), DateTimeOffset?>> UpdateHeldAsync(
        PostgresSession session,
        string assignments,
        IReadOnlyCollection<DocumentClaim> claims,
        params object[] arguments
    )
    {
        var reader = await session
            .QueryAsync(
                // Locked in one order, so that nobody who takes several blocks another.
                $"""
                with held as (
                    select id from slipway.documents join unnest($1, $2, $3) as claim (document, holder, token)
                        on id = document and owner = holder and fencing_token = token
                    where claimed_until > (select slipway.now()) order by id for no key update of documents
                )
                update slipway.documents d set {assignments} from held where d.id = held.id
                returning d.id, d.fencing_token, d.claimed_until
                """,
                [
                    claims.Select(claim => claim.Entry.DocumentId).ToArray(),
                    claims.Select(claim => claim.Owner).ToArray(),
                    claims.Select(claim => claim.FencingToken).ToArray(),
                    .. arguments,
                ]
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            Dictionary<(string, long), DateTimeOffset?> held = [];
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                held.Add((reader.GetString(0), reader.GetInt64(1)), reader.NullableTime(2));
            }

            return held;
        }
    }

    private static DocumentClaim ReadClaim(NpgsqlDataReader reader, CollectionKey collection, string owner)
    {
        var document = ReadSourceDocument(reader);
        return new DocumentClaim
        {
            Collection = collection,
            Source = reader.GetString(9),
            Document = document,
            Entry = new LedgerEntry
            {
                DocumentId = reader.GetString(10),
                ExternalId = document.ExternalId,
                State = StoredValue.State(reader.GetString(11)),
                Size = document.Size,
                ModifiedAt = document.ModifiedAt,
                SeenAt = reader.NullableTime(12),
                ContentHash = reader.NullableString(13),
                PipelineFingerprint = reader.NullableString(14),
                Version = reader.GetInt32(15),
                Attempts = reader.GetInt32(16),
                NextActionAt = reader.NullableTime(17),
            },
            Owner = owner,
            FencingToken = reader.GetInt64(18),
            ExpiresAt = reader.Time(19),
        };
    }

    /// <summary>The document as it was listed or pushed, from the first nine columns.</summary>
    private static SourceDocument ReadSourceDocument(NpgsqlDataReader reader) =>
        new()
        {
            ExternalId = reader.GetString(0),
            Name = reader.GetString(1),
            MediaType = reader.NullableString(2),
            Uri = reader.NullableString(3),
            Size = reader.NullableInt64(4),
            ModifiedAt = reader.NullableTicks(5),
            Metadata = StoredValue.Map(reader.GetString(6)),
            Title = reader.NullableString(7),
            Principals = reader.GetFieldValue<string[]>(8),
        };
}
