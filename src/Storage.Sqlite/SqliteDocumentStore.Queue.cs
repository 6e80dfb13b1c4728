using Microsoft.Data.Sqlite;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteDocumentStore
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
            session =>
            {
                var due = ReadDue(session, collection, count, source);
                // A copied document may be ahead of the counter.
                var last = (long)
                    session.Scalar(
                        """
                        update fencing_tokens set last = $1 + max(last, (
                            select coalesce(max(fencing_token), 0) from documents where id in (select value from json_each($2))))
                        returning last
                        """,
                        (long)due.Count,
                        StoredValue.Json([.. due.Select(one => one.Entry.DocumentId)])
                    )!;
                List<DocumentClaim> claims = [];
                foreach (var (source, document, entry) in due)
                {
                    var token = last - due.Count + claims.Count + 1;
                    var expiresAt = (long)
                        session.Scalar(
                            """
                            update documents set owner = $2, fencing_token = $3, claimed_until = slipway_now() + $4 where id = $1
                            returning claimed_until
                            """,
                            entry.DocumentId,
                            owner,
                            token,
                            milliseconds
                        )!;
                    claims.Add(
                        new DocumentClaim
                        {
                            Collection = collection,
                            Source = source,
                            Document = document,
                            Entry = entry,
                            Owner = owner,
                            FencingToken = token,
                            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(expiresAt),
                        }
                    );
                }

                return claims;
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
            session =>
            {
                List<DocumentClaim> held = [];
                foreach (var claim in claims)
                {
                    var expiresAt = session.Scalar(
                        """
                        update documents set claimed_until = slipway_now() + $4
                        where id = $1 and owner = $2 and fencing_token = $3 and claimed_until > slipway_now() returning claimed_until
                        """,
                        claim.Entry.DocumentId,
                        claim.Owner,
                        claim.FencingToken,
                        milliseconds
                    );
                    if (expiresAt is long time)
                    {
                        held.Add(claim with { ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(time) });
                    }
                }

                return held;
            },
            cancellationToken
        );
    }

    public ValueTask<IReadOnlyList<string>> ListOwnersAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<string>>(
            session =>
            {
                using var reader = session.Query(
                    // Left to itself SQLite walks over the whole collection: that has two columns of an index, this only one.
                    """
                    select distinct owner from documents indexed by documents_held
                    where owner is not null and claimed_until > slipway_now() and tenant = $1 and collection = $2
                    """,
                    collection.Tenant,
                    collection.Collection
                );
                List<string> owners = [];
                while (reader.Read())
                {
                    owners.Add(reader.GetString(0));
                }

                return owners;
            },
            cancellationToken
        );

    public ValueTask<int> ReleaseAsync(
        CollectionKey collection,
        string owner,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
                session.Execute(
                    """
                    update documents indexed by documents_held set owner = null, claimed_until = null
                    where owner = $1 and tenant = $2 and collection = $3
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
            session =>
            {
                var returned = 0;
                foreach (var claim in claims)
                {
                    if (
                        session.Execute(
                            """
                            update documents set owner = null, claimed_until = null
                            where id = $1 and owner = $2 and fencing_token = $3 and claimed_until > slipway_now()
                            """,
                            claim.Entry.DocumentId,
                            claim.Owner,
                            claim.FencingToken
                        ) > 0
                    )
                    {
                        returned++;
                        session.Changed.Add(
                            ChangeTopic.Collection(claim.Collection.Tenant, claim.Collection.Collection)
                        );
                    }
                }

                return returned;
            },
            cancellationToken
        );
    }

    /// <summary>
    /// Whether a worker comes in time, or works without a claim. The write lock keeps the claim as it is until the commit.
    /// </summary>
    private static bool IsHeldBy(SqliteSession session, string id, DocumentClaim? claim) =>
        claim is null
        || (
            claim.Entry.DocumentId == id
            && session.Scalar(
                """
                select 1 from documents
                where id = $1 and owner = $2 and fencing_token = $3 and claimed_until > slipway_now()
                """,
                id,
                claim.Owner,
                claim.FencingToken
            )
                is not null
        );

    private static List<(string Source, SourceDocument Document, LedgerEntry Entry)> ReadDue(
        SqliteSession session,
        CollectionKey collection,
        int count,
        string? source
    )
    {
        using var reader = session.Query(
            """
            select external_id, name, source_media_type, uri, size, modified_ticks, source_metadata, source_title,
                (select json_group_array(principal) from document_principals p where p.document_id = d.id),
                source, id, state, seen_at, content_hash, pipeline_fingerprint, version, attempts, next_action_at
            from documents d
            where tenant = $1 and collection = $2 and next_action_at <= slipway_now()
                and (claimed_until is null or claimed_until <= slipway_now()) and ($4 is null or source = $4)
            order by next_action_at, id limit $3
            """,
            collection.Tenant,
            collection.Collection,
            count,
            source
        );
        List<(string, SourceDocument, LedgerEntry)> due = [];
        while (reader.Read())
        {
            var document = ReadSourceDocument(reader);
            due.Add(
                (
                    reader.GetString(9),
                    document,
                    new LedgerEntry
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
                    }
                )
            );
        }

        return due;
    }

    /// <summary>The document as it was listed or pushed, from the first nine columns.</summary>
    private static SourceDocument ReadSourceDocument(SqliteDataReader reader) =>
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
            Principals = StoredValue.List(reader.GetString(8)),
        };
}
