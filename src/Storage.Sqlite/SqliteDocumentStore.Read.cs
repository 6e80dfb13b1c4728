using System.Text;
using Microsoft.Data.Sqlite;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteDocumentStore
{
    internal const string InfoColumns = """
        d.id, d.tenant, d.collection, d.source, d.external_id, d.name, d.title, d.media_type, d.uri, d.state, d.version, d.size,
        d.modified_at, d.published_at, d.chunk_count, d.attempts, d.last_error, d.last_error_class, d.next_action_at,
        d.table_columns, d.metadata, d.source_metadata
        """;

    // $1 is the tenant, $2 the principal's access names as a JSON array.
    private const string Visible = """
        d.tenant = $1 and (
            not exists (select 1 from document_principals p where p.document_id = d.id)
            or exists (
                select 1 from document_principals p join json_each($2) name on p.principal = name.value where p.document_id = d.id))
        """;

    public ValueTask<DocumentInfo?> FindAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                using var reader = session.Query(
                    $"select {InfoColumns} from documents d where d.id = $3 and {Visible}",
                    principal.Tenant,
                    StoredValue.Json([.. principal.AccessNames]),
                    documentId
                );
                return reader.Read() ? Info(reader) : null;
            },
            cancellationToken
        );

    public ValueTask<DocumentPage> ListAsync(DocumentQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1, nameof(query));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, 1_000, nameof(query));
        if (query.Principal.Tenant != query.Collection.Tenant)
        {
            return ValueTask.FromResult(new DocumentPage([], null));
        }

        var (afterName, afterId) = PageMark.Read(query.After);
        return database.ReadAsync(
            session =>
            {
                using var reader = session.Query(
                    $"""
                    select {InfoColumns} from documents d
                    where {Visible} and d.collection = $3 and ($4 is null or d.source = $4) and ($5 is null or d.state = $5)
                        and ($6 is null or instr(lower(d.name), lower($6)) > 0 or instr(lower(d.title), lower($6)) > 0)
                        and (d.name, d.id) > ($7, $8)
                    order by d.name, d.id limit $9
                    """,
                    query.Principal.Tenant,
                    StoredValue.Json([.. query.Principal.AccessNames]),
                    query.Collection.Collection,
                    query.Source,
                    query.State is { } state ? StoredValue.Text(state) : null,
                    query.Contains,
                    afterName,
                    afterId,
                    query.Limit + 1
                );
                var documents = new List<DocumentInfo>();
                while (reader.Read())
                {
                    documents.Add(Info(reader));
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

    public ValueTask<DocumentText?> ReadTextAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync(
            session =>
            {
                if (
                    session.Scalar(
                        $"select d.version from documents d where d.id = $3 and d.version > 0 and {Visible}",
                        principal.Tenant,
                        StoredValue.Json([.. principal.AccessNames]),
                        documentId
                    )
                    is not long version
                )
                {
                    return null;
                }

                var text = new StringBuilder();
                using var reader = session.Query(
                    "select start_offset, text from chunks where document_id = $1 order by ordinal",
                    documentId
                );
                while (reader.Read())
                {
                    // Chunks cover the text; where they overlap, only what is new is taken.
                    var start = reader.GetInt32(0);
                    text.Append(reader.GetString(1).AsSpan(Math.Max(0, text.Length - start)));
                }

                return new DocumentText(documentId, (int)version, text.ToString());
            },
            cancellationToken
        );

    internal static DocumentInfo Info(SqliteDataReader reader) =>
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
