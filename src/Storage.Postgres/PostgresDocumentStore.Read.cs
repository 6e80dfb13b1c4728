using System.Text;
using Npgsql;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentStore
{
    internal const string InfoColumns = """
        d.id, d.tenant, d.collection, d.source, d.external_id, d.name, d.title, d.media_type, d.uri, d.state, d.version, d.size,
        d.modified_at, d.published_at, d.chunk_count, d.attempts, d.last_error, d.last_error_class, d.next_action_at,
        d.table_columns, d.metadata, d.source_metadata
        """;

    public async ValueTask<DocumentInfo?> FindAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(documentId)
            ? null
            : await database
                .ReadAsync(
                    null,
                    async session =>
                    {
                        var reader = await session
                            .QueryAsync(
                                $"select {InfoColumns} from slipway.documents d where d.id = $3 and {PostgresAccess.Visible}",
                                principal.Tenant,
                                PostgresAccess.Names(principal),
                                documentId
                            )
                            .ConfigureAwait(false);
                        await using (reader.ConfigureAwait(false))
                        {
                            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                                ? Info(reader)
                                : null;
                        }
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

    public ValueTask<DocumentPage> ListAsync(DocumentQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, 1_000, nameof(query));
        if (
            query.Principal.Tenant != query.Collection.Tenant
            || (query.Contains is { } contains && !PostgresAccess.CanBeStored(contains))
        )
        {
            return ValueTask.FromResult(new DocumentPage([], null));
        }

        var (afterName, afterId) = PageMark.Read(query.After);
        return database.ReadAsync(
            null,
            async session =>
            {
                // In collation "C" lower() folds ASCII alone, on every server alike.
                var reader = await session
                    .QueryAsync(
                        $"""
                        select {InfoColumns} from slipway.documents d
                        where {PostgresAccess.Visible} and d.collection = $3
                            and ($4::text is null or d.source = $4) and ($5::text is null or d.state = $5)
                            and ($6::text is null or position(lower($6 collate "C") in lower(d.name)) > 0
                                or position(lower($6 collate "C") in lower(d.title)) > 0)
                            and (d.name, d.id) > ($7, $8)
                        order by d.name, d.id limit $9
                        """,
                        query.Principal.Tenant,
                        PostgresAccess.Names(query.Principal),
                        query.Collection.Collection,
                        query.Source,
                        query.State is { } state ? StoredValue.Text(state) : null,
                        query.Contains,
                        afterName,
                        afterId,
                        query.Limit + 1
                    )
                    .ConfigureAwait(false);
                var documents = new List<DocumentInfo>();
                await using (reader.ConfigureAwait(false))
                {
                    while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
                    {
                        documents.Add(Info(reader));
                    }
                }

                if (documents.Count <= query.Limit)
                {
                    return new DocumentPage(documents, null);
                }

                documents.RemoveAt(query.Limit);
                return new DocumentPage(documents, PageMark.Write(documents[^1].Name, documents[^1].Id));
            },
            cancellationToken
        );
    }

    public async ValueTask<DocumentText?> ReadTextAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(documentId)
            ? null
            : await database
                .ReadAsync(null, session => ReadTextAsync(session, principal, documentId), cancellationToken)
                .ConfigureAwait(false);

    private static async Task<DocumentText?> ReadTextAsync(
        PostgresSession session,
        Principal principal,
        string documentId
    )
    {
        var reader = await session
            .QueryAsync(
                $"""
                select d.version, c.start_offset, c.text
                from slipway.documents d left join slipway.chunks c on c.document_id = d.id
                where d.id = $3 and d.version > 0 and {PostgresAccess.Visible}
                order by c.ordinal
                """,
                principal.Tenant,
                PostgresAccess.Names(principal),
                documentId
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var version = 0;
            var text = new StringBuilder();
            while (await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                version = reader.GetInt32(0);
                if (!reader.IsDBNull(1))
                {
                    // Chunks cover the text; where they overlap, only what is new is taken.
                    var start = reader.GetInt32(1);
                    text.Append(reader.GetString(2).AsSpan(Math.Max(0, text.Length - start)));
                }
            }

            return version == 0 ? null : new DocumentText(documentId, version, text.ToString());
        }
    }

    internal static DocumentInfo Info(NpgsqlDataReader reader) =>
        new()
        {
            Id = reader.GetString(0),
            Collection = new CollectionKey(reader.GetString(1), reader.GetString(2)),
            Source = reader.GetString(3),
            ExternalId = reader.GetString(4),
            Name = reader.GetString(5),
            Title = reader.GetString(6),
            MediaType = reader.NullableString(7),
            Uri = reader.NullableString(8),
            State = StoredValue.State(reader.GetString(9)),
            Version = reader.GetInt32(10),
            Size = reader.NullableInt64(11),
            ModifiedAt = reader.NullableTime(12),
            PublishedAt = reader.NullableTime(13),
            Chunks = reader.GetInt32(14),
            Attempts = reader.GetInt32(15),
            Error = reader.NullableString(16),
            ErrorClass = reader.NullableString(17) is { } errorClass ? StoredValue.ErrorClass(errorClass) : null,
            NextActionAt = reader.NullableTime(18),
            Columns = reader.NullableString(19) is { } columns ? StoredValue.List(columns) : [],
            Metadata = DocumentMetadata.Join(
                StoredValue.Map(reader.GetString(20)),
                StoredValue.Map(reader.GetString(21))
            ),
        };
}
