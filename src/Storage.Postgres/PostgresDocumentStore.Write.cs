using Npgsql;
using NpgsqlTypes;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

// What a publication writes. A statement writes the rows of all documents, so that a batch costs little more than its bytes.
internal sealed partial class PostgresDocumentStore
{
    /// <summary>From so many chunks on, a COPY is worth its round trips.</summary>
    private const int CopiedChunks = 500;

    private async Task WriteAsync(
        PostgresSession session,
        (DocumentRow Row, DocumentPublication Publication)[] documents,
        DateTimeOffset now
    )
    {
        WriteVersions(session, documents, now);
        WriteRows(session, documents);
        ReplacePrincipals(
            session,
            Array.ConvertAll(documents, document => (document.Row.Id, document.Publication.Document.Principals))
        );
        UpdateLedger(session, documents, now);
        AddAttempts(session, documents);
        session.Queue("delete from slipway.chunks where document_id = any ($1)", Replaced(documents));
        var chunks = documents
            .SelectMany(document =>
                document.Publication.Chunks.Select(chunk => (document.Row.Id, document.Row.Version + 1, chunk))
            )
            .ToArray();
        if (chunks.Length < CopiedChunks)
        {
            WriteChunks(session, chunks);
        }
        else
        {
            await session.FlushAsync().ConfigureAwait(false);
            await CopyChunksAsync(session, chunks).ConfigureAwait(false);
        }
    }

    /// <summary>Documents that had a version before: the others have nothing that must go.</summary>
    private static string[] Replaced((DocumentRow Row, DocumentPublication Publication)[] documents) =>
        [.. documents.Where(document => document.Row.Version > 0).Select(document => document.Row.Id)];

    private static void WriteVersions(
        PostgresSession session,
        (DocumentRow Row, DocumentPublication Publication)[] documents,
        DateTimeOffset now
    )
    {
        session.Queue(
            "update slipway.document_versions set superseded_at = $2 where document_id = any ($1) and superseded_at is null",
            Replaced(documents),
            now
        );
        session.Queue(
            """
            insert into slipway.document_versions
                (published_at, document_id, version, content_hash, size, pipeline_fingerprint, text_length, chunk_count)
            select $1, new.*
            from unnest($2::text[], $3::integer[], $4::text[], $5::bigint[], $6::text[], $7::integer[], $8::integer[]) as new
            """,
            now,
            Array.ConvertAll(documents, d => d.Row.Id),
            Array.ConvertAll(documents, d => d.Row.Version + 1),
            Array.ConvertAll(documents, d => d.Publication.ContentHash),
            Array.ConvertAll(documents, d => d.Publication.Size),
            Array.ConvertAll(documents, d => d.Publication.PipelineFingerprint),
            Array.ConvertAll(documents, d => d.Publication.Chunks.Count == 0 ? 0 : d.Publication.Chunks[^1].End),
            Array.ConvertAll(documents, d => d.Publication.Chunks.Count)
        );
    }

    private static void WriteChunks(PostgresSession session, (string Id, int Version, ChunkRecord Chunk)[] chunks) =>
        session.Queue(
            """
            insert into slipway.chunks
                (document_id, version, ordinal, start_offset, end_offset, headings, repeated_header, text, content_hash)
            select * from unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[],
                $8::text[], $9::text[])
            """,
            Array.ConvertAll(chunks, c => c.Id),
            Array.ConvertAll(chunks, c => c.Version),
            Array.ConvertAll(chunks, c => c.Chunk.Ordinal),
            Array.ConvertAll(chunks, c => c.Chunk.Start),
            Array.ConvertAll(chunks, c => c.Chunk.End),
            Array.ConvertAll(chunks, c => Headings(c.Chunk)),
            Array.ConvertAll(chunks, c => c.Chunk.RepeatedHeader),
            Array.ConvertAll(chunks, c => c.Chunk.Text),
            Array.ConvertAll(chunks, c => c.Chunk.ContentHash)
        );

    private static async Task CopyChunksAsync(
        PostgresSession session,
        (string Id, int Version, ChunkRecord Chunk)[] chunks
    )
    {
        var token = session.CancellationToken;
        var import = await session
            .Connection.BeginBinaryImportAsync(
                """
                copy slipway.chunks (document_id, version, ordinal, start_offset, end_offset, headings, repeated_header, text, content_hash)
                from stdin (format binary)
                """,
                token
            )
            .ConfigureAwait(false);
        await using (import.ConfigureAwait(false))
        {
            foreach (var (id, version, chunk) in chunks)
            {
                await import.StartRowAsync(token).ConfigureAwait(false);
                await import.WriteAsync(id, NpgsqlDbType.Text, token).ConfigureAwait(false);
                await import.WriteAsync(version, NpgsqlDbType.Integer, token).ConfigureAwait(false);
                await import.WriteAsync(chunk.Ordinal, NpgsqlDbType.Integer, token).ConfigureAwait(false);
                await import.WriteAsync(chunk.Start, NpgsqlDbType.Integer, token).ConfigureAwait(false);
                await import.WriteAsync(chunk.End, NpgsqlDbType.Integer, token).ConfigureAwait(false);
                await WriteTextAsync(import, Headings(chunk), token).ConfigureAwait(false);
                await WriteTextAsync(import, chunk.RepeatedHeader, token).ConfigureAwait(false);
                await import.WriteAsync(chunk.Text, NpgsqlDbType.Text, token).ConfigureAwait(false);
                await import.WriteAsync(chunk.ContentHash, NpgsqlDbType.Text, token).ConfigureAwait(false);
            }

            await import.CompleteAsync(token).ConfigureAwait(false);
        }
    }

    private static Task WriteTextAsync(
        NpgsqlBinaryImporter import,
        string? text,
        CancellationToken cancellationToken
    ) =>
        text is null
            ? import.WriteNullAsync(cancellationToken)
            : import.WriteAsync(text, NpgsqlDbType.Text, cancellationToken);

    private static string? Headings(ChunkRecord chunk) =>
        chunk.Headings.Count == 0 ? null : StoredValue.Json(chunk.Headings);

    private static void WriteRows(
        PostgresSession session,
        (DocumentRow Row, DocumentPublication Publication)[] documents
    )
    {
        session.Queue("delete from slipway.document_rows where document_id = any ($1)", Replaced(documents));
        foreach (var (row, publication) in documents)
        {
            foreach (var table in publication.Tables.Where(table => table.Rows.Count > 0))
            {
                session.Queue(
                    """
                    insert into slipway.document_rows (document_id, table_name, row_number, row_data)
                    select $1, $2, row_number, row_data from unnest($3) with ordinality as new (row_data, row_number)
                    """,
                    row.Id,
                    table.Name,
                    Enumerable.Range(0, table.Rows.Count).Select(number => StoredValue.Json(table, number)).ToArray()
                );
            }
        }
    }

    private static void UpdateLedger(
        PostgresSession session,
        (DocumentRow Row, DocumentPublication Publication)[] documents,
        DateTimeOffset now
    )
    {
        session.Queue(
            """
            update slipway.documents d set name = new.name, title = new.title, media_type = new.media_type, uri = new.uri,
                state = 'published', version = new.version, size = new.size, modified_at = new.modified_at,
                modified_ticks = new.modified_ticks, seen_at = new.seen_at, content_hash = new.content_hash,
                pipeline_fingerprint = new.pipeline_fingerprint, attempts = 0, last_error = null, last_error_class = null,
                next_action_at = null, owner = null, claimed_until = null, chunk_count = new.chunk_count,
                table_columns = new.table_columns, metadata = new.metadata,
                source_metadata = new.source_metadata, updated_at = $1, published_at = $1, external_id = new.external_id,
                derived_title = new.derived_title
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::bigint[], $9::timestamptz[],
                $10::bigint[], $11::timestamptz[], $12::text[], $13::text[], $14::integer[], $15::text[], $16::text[], $17::text[],
                $18::text[], $19::text[])
                as new (id, name, title, media_type, uri, version, size, modified_at, modified_ticks, seen_at, content_hash,
                    pipeline_fingerprint, chunk_count, table_columns, metadata, source_metadata, external_id, derived_title)
            where d.id = new.id
            """,
            now,
            Array.ConvertAll(documents, d => d.Row.Id),
            Array.ConvertAll(documents, d => d.Publication.Document.Name),
            Array.ConvertAll(documents, d => d.Publication.Title),
            Array.ConvertAll(documents, d => d.Publication.MediaType),
            Array.ConvertAll(documents, d => d.Publication.Document.Uri),
            Array.ConvertAll(documents, d => d.Row.Version + 1),
            Array.ConvertAll(documents, d => d.Publication.Size),
            Array.ConvertAll(documents, d => Columns.Grain(d.Publication.Document.ModifiedAt)),
            Array.ConvertAll(documents, d => d.Publication.Document.ModifiedAt?.UtcTicks),
            Array.ConvertAll(documents, d => Columns.Grain(d.Publication.SeenAt)),
            Array.ConvertAll(documents, d => d.Publication.ContentHash),
            Array.ConvertAll(documents, d => d.Publication.PipelineFingerprint),
            Array.ConvertAll(documents, d => d.Publication.Chunks.Count),
            Array.ConvertAll(documents, d => TableColumns(d.Publication)),
            Array.ConvertAll(documents, d => StoredValue.Json(d.Publication.Metadata)),
            Array.ConvertAll(documents, d => StoredValue.Json(d.Publication.Document.Metadata)),
            Array.ConvertAll(documents, d => d.Publication.Document.ExternalId),
            Array.ConvertAll(documents, d => d.Publication.IsTitleDerived ? d.Publication.Title : null)
        );
        ReplaceMetadata(
            session,
            documents[0].Publication.Collection,
            Array.ConvertAll(
                documents,
                d => (d.Row.Id, DocumentMetadata.Join(d.Publication.Metadata, d.Publication.Document.Metadata))
            )
        );
    }

    private static string? TableColumns(DocumentPublication publication) =>
        publication.Tables.Count == 0
            ? null
            : StoredValue.Json([.. publication.Tables.SelectMany(table => table.Columns)]);

    private void AddAttempts(PostgresSession session, (DocumentRow Row, DocumentPublication Publication)[] documents) =>
        session.Queue(
            """
            insert into slipway.ingestion_attempts (outcome, document_id, started_at, duration_ms)
            select 'published', new.* from unnest($1::text[], $2::timestamptz[], $3::bigint[]) as new
            """,
            Array.ConvertAll(documents, d => d.Row.Id),
            Array.ConvertAll(documents, d => Columns.Grain(d.Publication.SeenAt)),
            Array.ConvertAll(documents, d => (long)(database.Time.GetUtcNow() - d.Publication.SeenAt).TotalMilliseconds)
        );
}
