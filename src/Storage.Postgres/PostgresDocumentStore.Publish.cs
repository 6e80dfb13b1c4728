using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentStore
{
    public async ValueTask<(string DocumentId, int Version)> PublishAsync(
        DocumentPublication publication,
        CancellationToken cancellationToken = default
    )
    {
        publication = StorableText.Of(publication);
        // Analysis takes longer than writing, so it is done before the document's row is locked.
        var analyzer = await database
            .ReadAsync(
                null,
                async session =>
                    (await PostgresIndex.FindAsync(session, publication.Collection).ConfigureAwait(false))?.Analyzer,
                cancellationToken
            )
            .ConfigureAwait(false);
        analyzer ??= new TextAnalyzer(publication.Analyzer);
        var postings = DocumentPostings.Build(analyzer, publication.Chunks);
        return await database
            .WriteAsync(null, session => PublishAsync(session, publication, analyzer, postings), cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<(string DocumentId, int Version)> PublishAsync(
        PostgresSession session,
        DocumentPublication publication,
        TextAnalyzer analyzer,
        DocumentPostings postings
    )
    {
        var row = await FindRowAsync(session, publication).ConfigureAwait(false);
        if (row.Version != publication.BaseVersion || row.IsPushedAnew(publication.Document, publication.ContentHash))
        {
            throw Conflict(publication);
        }

        var (id, version) = (row.Id, row.Version + 1);
        var now = database.Now;
        WriteVersion(session, id, version, publication, now);
        WriteChunks(session, id, version, publication.Chunks);
        WriteRows(session, id, publication.Tables);
        ReplacePrincipals(session, id, publication.Document.Principals);
        var index = await PostgresIndexWriter
            .GetOrCreateIndexAsync(session, publication.Collection, publication.Analyzer, now)
            .ConfigureAwait(false);
        var prepared = index.Analyzer.Options == analyzer.Options ? postings : null; // made by somebody else meanwhile
        PostgresIndexWriter.Publish(session, index, id, publication.Chunks, prepared);
        UpdateLedger(session, id, version, publication, now);
        AddAttempt(
            session,
            id,
            publication.SeenAt,
            database.Time.GetUtcNow() - publication.SeenAt,
            "published",
            null,
            null
        );
        return (id, version);
    }

    /// <summary>The row that is taken over, locked: the one that is named, else the one at the document's place, made if it is new.</summary>
    private async Task<DocumentRow> FindRowAsync(PostgresSession session, DocumentPublication publication)
    {
        var (collection, source) = (publication.Collection, publication.Source);
        return publication.DocumentId is not { } named
            ? await FindOrAddAsync(session, collection, source, publication.Document).ConfigureAwait(false)
            : await ReadRowAsync(
                    session,
                    $"""
                    select {RowColumns} from slipway.documents d
                    where id = $1 and tenant = $2 and collection = $3 and source = $4 and not exists (
                        select from slipway.documents other
                        where other.tenant = $2 and other.collection = $3 and other.source = $4 and other.external_id = $5
                            and other.id <> $1)
                    for no key update of d
                    """,
                    named,
                    collection.Tenant,
                    collection.Collection,
                    source,
                    publication.Document.ExternalId
                )
                .ConfigureAwait(false)
                // Deleted meanwhile, or somebody else's document has taken the new place.
                ?? throw Conflict(publication);
    }

    private static PublicationConflictException Conflict(DocumentPublication publication) =>
        new(publication.Document.Name, publication.BaseVersion);

    private static void WriteVersion(
        PostgresSession session,
        string id,
        int version,
        DocumentPublication publication,
        DateTimeOffset now
    )
    {
        session.Queue(
            "update slipway.document_versions set superseded_at = $2 where document_id = $1 and superseded_at is null",
            id,
            now
        );
        session.Queue(
            """
            insert into slipway.document_versions
                (document_id, version, content_hash, size, pipeline_fingerprint, text_length, chunk_count, published_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            id,
            version,
            publication.ContentHash,
            publication.Size,
            publication.PipelineFingerprint,
            publication.Chunks.Count == 0 ? 0 : publication.Chunks[^1].End,
            publication.Chunks.Count,
            now
        );
    }

    private static void WriteChunks(PostgresSession session, string id, int version, IReadOnlyList<ChunkRecord> chunks)
    {
        session.Queue("delete from slipway.chunks where document_id = $1", id);
        session.Queue(
            """
            insert into slipway.chunks
                (document_id, ordinal, version, start_offset, end_offset, headings, repeated_header, text, content_hash)
            select $1, ordinal, $2, start_offset, end_offset, headings, repeated_header, text, content_hash
            from unnest($3, $4, $5, $6, $7, $8, $9)
                as new (ordinal, start_offset, end_offset, headings, repeated_header, text, content_hash)
            """,
            id,
            version,
            chunks.Select(chunk => chunk.Ordinal).ToArray(),
            chunks.Select(chunk => chunk.Start).ToArray(),
            chunks.Select(chunk => chunk.End).ToArray(),
            chunks.Select(chunk => chunk.Headings.Count == 0 ? null : StoredValue.Json(chunk.Headings)).ToArray(),
            chunks.Select(chunk => chunk.RepeatedHeader).ToArray(),
            chunks.Select(chunk => chunk.Text).ToArray(),
            chunks.Select(chunk => chunk.ContentHash).ToArray()
        );
    }

    private static void WriteRows(PostgresSession session, string id, IReadOnlyList<DataTable> tables)
    {
        session.Queue("delete from slipway.document_rows where document_id = $1", id);
        foreach (var table in tables.Where(table => table.Rows.Count > 0))
        {
            session.Queue(
                """
                insert into slipway.document_rows (document_id, table_name, row_number, row_data)
                select $1, $2, row_number, row_data from unnest($3) with ordinality as new (row_data, row_number)
                """,
                id,
                table.Name,
                Enumerable.Range(0, table.Rows.Count).Select(row => StoredValue.Json(table, row)).ToArray()
            );
        }
    }

    private static void UpdateLedger(
        PostgresSession session,
        string id,
        int version,
        DocumentPublication publication,
        DateTimeOffset now
    )
    {
        var document = publication.Document;
        session.Queue(
            """
            update slipway.documents set name = $2, title = $3, media_type = $4, uri = $5, state = 'published', version = $6,
                size = $7, modified_at = $8, modified_ticks = $9, seen_at = $10, content_hash = $11, pipeline_fingerprint = $12,
                attempts = 0, last_error = null, last_error_class = null, next_action_at = null, chunk_count = $13,
                table_columns = $14, metadata = $15, source_metadata = $16, updated_at = $17, published_at = $17, external_id = $18
            where id = $1
            """,
            id,
            document.Name,
            publication.Title,
            publication.MediaType,
            document.Uri,
            version,
            publication.Size,
            Columns.Grain(document.ModifiedAt),
            document.ModifiedAt?.UtcTicks,
            Columns.Grain(publication.SeenAt),
            publication.ContentHash,
            publication.PipelineFingerprint,
            publication.Chunks.Count,
            publication.Tables.Count == 0
                ? null
                : StoredValue.Json([.. publication.Tables.SelectMany(table => table.Columns)]),
            StoredValue.Json(publication.Metadata),
            StoredValue.Json(document.Metadata),
            now,
            document.ExternalId
        );
        ReplaceMetadata(
            session,
            publication.Collection,
            id,
            DocumentMetadata.Join(publication.Metadata, document.Metadata)
        );
    }
}
