using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteDocumentStore
{
    public async ValueTask<(string DocumentId, int Version)> PublishAsync(
        DocumentPublication publication,
        CancellationToken cancellationToken = default
    ) =>
        (await PublishBatchAsync([publication], cancellationToken).ConfigureAwait(false))[0]
        ?? throw Conflict(publication);

    public async ValueTask<IReadOnlyList<(string DocumentId, int Version)?>> PublishBatchAsync(
        IReadOnlyList<DocumentPublication> publications,
        CancellationToken cancellationToken = default
    )
    {
        if (publications.Count == 0)
        {
            return [];
        }

        var analyzer = await database
            .ReadAsync(session => SqliteIndex.Find(session, publications[0].Collection)?.Analyzer, cancellationToken)
            .ConfigureAwait(false);
        return await PublicationBatch
            .PublishAsync(
                publications,
                analyzer,
                sideBySide: false, // the transaction would keep every other writer out meanwhile
                batch => database.WriteMuchAsync(session => Publish(session, batch), cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private static SlipwayException Conflict(DocumentPublication publication) =>
        publication.Claim is { } claim
            ? new ClaimLostException(publication.Document.Name, claim.Owner)
            : new PublicationConflictException(publication.Document.Name, publication.BaseVersion);

    private IReadOnlyList<(string DocumentId, int Version)> Publish(
        SqliteSession session,
        IReadOnlyList<PreparedPublication> batch
    )
    {
        var published = new List<(string, int)>(batch.Count);
        var inConflict = new List<PreparedPublication>();
        foreach (var prepared in batch)
        {
            if (Publish(session, prepared) is { } result)
            {
                published.Add(result);
            }
            else
            {
                inConflict.Add(prepared);
            }
        }

        return inConflict.Count == 0 ? published : throw new PublicationsInConflictException(inConflict);
    }

    /// <summary>Null when the ledger has moved on; the transaction is then rolled back.</summary>
    private (string DocumentId, int Version)? Publish(SqliteSession session, PreparedPublication prepared)
    {
        var publication = prepared.Publication;
        if (
            FindRow(session, publication) is not var (id, current)
            || !IsHeldBy(session, id, publication.Claim)
            || current != publication.BaseVersion
            || IsPushedAnew(session, id, publication.Document, publication.ContentHash)
        )
        {
            return null;
        }

        var version = current + 1;
        var now = database.Now;
        WriteVersion(session, id, version, publication, now);
        WriteChunks(session, id, version, publication.Chunks);
        WriteRows(session, id, version, publication.Tables);
        ReplacePrincipals(session, id, publication.Document.Principals);
        var index = SqliteIndexWriter.GetOrCreateIndex(session, publication.Collection, publication.Analyzer);
        SqliteIndexWriter.NoteModel(session, index, publication.Collection, id, publication.EmbeddingModel);
        SqliteIndexWriter.Publish(session, index, id, publication.Chunks, prepared.PostingsBy(index.Analyzer));
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
        SignalPushed(session, publication.Source, id);
        return (id, version);
    }

    /// <summary>The row that is taken over: the one that is named, else the one at the document's place, made if it is new. Null
    /// when it was deleted meanwhile, or somebody else's document has taken its new place.</summary>
    private (string Id, int Version)? FindRow(SqliteSession session, DocumentPublication publication)
    {
        var (collection, source) = (publication.Collection, publication.Source);
        if (publication.DocumentId is not { } named)
        {
            return FindOrAdd(session, collection, source, publication.Document);
        }

        var version = session.Scalar(
            "select version from documents where id = $1 and tenant = $2 and collection = $3 and source = $4",
            named,
            collection.Tenant,
            collection.Collection,
            source
        );
        var other = session.Scalar(
            "select 1 from documents where tenant = $2 and collection = $3 and source = $4 and external_id = $5 and id <> $1",
            named,
            collection.Tenant,
            collection.Collection,
            source,
            publication.Document.ExternalId
        );
        return version is null || other is not null ? null : (named, (int)(long)version);
    }

    private static void WriteVersion(
        SqliteSession session,
        string id,
        int version,
        DocumentPublication publication,
        long now
    )
    {
        if (version > 1)
        {
            session.Execute(
                "update document_versions set superseded_at = $2 where document_id = $1 and superseded_at is null",
                id,
                now
            );
        }

        session.Execute(
            """
            insert into document_versions
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

    private static void WriteChunks(SqliteSession session, string id, int version, IReadOnlyList<ChunkRecord> chunks)
    {
        if (version > 1)
        {
            session.Execute("delete from chunks where document_id = $1", id);
        }

        foreach (var chunk in chunks)
        {
            session.Execute(
                """
                insert into chunks
                    (document_id, ordinal, version, start_offset, end_offset, headings, repeated_header, text, content_hash)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                """,
                id,
                chunk.Ordinal,
                version,
                chunk.Start,
                chunk.End,
                chunk.Headings.Count == 0 ? null : StoredValue.Json(chunk.Headings),
                chunk.RepeatedHeader,
                chunk.Text,
                chunk.ContentHash
            );
        }
    }

    private static void WriteRows(SqliteSession session, string id, int version, IReadOnlyList<DataTable> tables)
    {
        if (version > 1)
        {
            session.Execute("delete from document_rows where document_id = $1", id);
        }

        foreach (var table in tables)
        {
            for (var row = 0; row < table.Rows.Count; row++)
            {
                session.Execute(
                    "insert into document_rows (document_id, table_name, row_number, row_data) values ($1, $2, $3, $4)",
                    id,
                    table.Name,
                    row + 1,
                    StoredValue.Json(table, row)
                );
            }
        }
    }

    private static void UpdateLedger(
        SqliteSession session,
        string id,
        int version,
        DocumentPublication publication,
        long now
    )
    {
        var document = publication.Document;
        session.Execute(
            """
            update documents set name = $2, title = $3, media_type = $4, uri = $5, state = 'published', version = $6, size = $7,
                modified_at = $8, modified_ticks = $9, seen_at = $10, content_hash = $11, pipeline_fingerprint = $12, attempts = 0,
                last_error = null, last_error_class = null, next_action_at = null, chunk_count = $13, table_columns = $14,
                metadata = $15, source_metadata = $16, updated_at = $17, published_at = $17, external_id = $18, owner = null,
                claimed_until = null, derived_title = $19
            where id = $1
            """,
            id,
            document.Name,
            publication.Title,
            publication.MediaType,
            document.Uri,
            version,
            publication.Size,
            document.ModifiedAt?.ToUnixTimeMilliseconds(),
            document.ModifiedAt?.UtcTicks,
            publication.SeenAt.ToUnixTimeMilliseconds(),
            publication.ContentHash,
            publication.PipelineFingerprint,
            publication.Chunks.Count,
            publication.Tables.Count == 0
                ? null
                : StoredValue.Json([.. publication.Tables.SelectMany(table => table.Columns)]),
            StoredValue.Json(publication.Metadata),
            StoredValue.Json(document.Metadata),
            now,
            document.ExternalId,
            publication.IsTitleDerived ? publication.Title : null
        );
        ReplaceMetadata(session, id);
    }
}
