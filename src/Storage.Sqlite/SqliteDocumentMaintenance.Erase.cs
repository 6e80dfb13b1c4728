using System.Globalization;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

internal sealed partial class SqliteDocumentMaintenance
{
    /// <summary>
    /// Embeddings are kept before their document is published: one that nothing uses and that is younger may belong to somebody's work.
    /// </summary>
    private static readonly TimeSpan LongestWork = TimeSpan.FromHours(1);

    public async ValueTask<DocumentErasure?> EraseAsync(
        CollectionKey collection,
        string documentId,
        CancellationToken cancellationToken = default
    )
    {
        var erased = await database
            .WriteMuchAsync(session => Erase(session, collection, documentId), cancellationToken)
            .ConfigureAwait(false);
        if (erased is null)
        {
            return null;
        }

        await new SqliteSearchIndex(database).MergeAsync(collection, cancellationToken).ConfigureAwait(false);
        return erased with { FreeSpaceCleaned = await database.CompactAsync(cancellationToken).ConfigureAwait(false) };
    }

    /// <summary>Null when there is nothing of such a document.</summary>
    private DocumentErasure? Erase(SqliteSession session, CollectionKey collection, string id)
    {
        var document = ReadDocument(session, collection, id);
        if (document is null && session.Scalar("select 1 from documents where id = $1", id) is not null)
        {
            return null; // somebody else's
        }

        var redaction = new DocumentRedaction(
            id,
            document?.Name ?? "",
            document?.Title ?? "",
            document is null ? "" : ReadText(session, id)
        );
        var erased = new DocumentErasure
        {
            Documents = document is null ? 0 : 1,
            Versions = Count(session, "document_versions", id),
            Chunks = Count(session, "chunks", id),
            Rows = Count(session, "document_rows", id),
            Attempts = Count(session, "ingestion_attempts", id),
            Embeddings = document is null ? 0 : EraseEmbeddings(session, id, document),
            Messages = EraseFromMessages(session, collection.Tenant, id, redaction),
            TurnRecords = EraseFromTurns(session, collection.Tenant, id, redaction),
            Reports = document is null ? 0 : EraseFromReports(session, collection, document.Source, redaction),
        };
        // Everything else of it goes with it (on delete cascade).
        session.Execute("delete from documents where id = $1", id);
        if (document?.Blob is { } blob)
        {
            erased = erased with { Blobs = EraseBlob(session, collection.Tenant, blob) };
        }

        var index = SqliteIndex.Find(session, collection);
        var isIndexed = index is not null && IsIndexed(session, index, id);
        if (isIndexed)
        {
            SqliteIndexWriter.Delete(session, index!, id);
        }

        session.Changed.Add(ChangeTopic.Document(id));
        return erased == new DocumentErasure() && !isIndexed ? null : erased;
    }

    private static ErasedDocument? ReadDocument(SqliteSession session, CollectionKey collection, string id)
    {
        using var reader = session.Query(
            """
            select source, name, title, blob_hash, version, created_at from documents
            where id = $1 and tenant = $2 and collection = $3
            """,
            id,
            collection.Tenant,
            collection.Collection
        );
        return reader.Read()
            ? new ErasedDocument(
                reader.GetString(0),
                reader.GetString(1),
                reader.GetString(2),
                reader.NullableString(3),
                reader.GetInt32(4),
                reader.GetInt64(5)
            )
            : null;
    }

    private static string ReadText(SqliteSession session, string id)
    {
        using var reader = session.Query("select text from chunks where document_id = $1 order by ordinal", id);
        List<string> text = [];
        while (reader.Read())
        {
            text.Add(reader.GetString(0));
        }

        return string.Concat(text);
    }

    private static int Count(SqliteSession session, string table, string id) =>
        Convert.ToInt32(
            session.Scalar($"select count(*) from {table} where document_id = $1", id),
            CultureInfo.InvariantCulture
        );

    private int EraseEmbeddings(SqliteSession session, string id, ErasedDocument document)
    {
        var erased = session.Execute(
            """
            delete from embeddings
            where content_hash in (select content_hash from chunks where document_id = $1) and not exists (
                select 1 from chunks other where other.content_hash = embeddings.content_hash and other.document_id <> $1)
            """,
            id
        );
        // The chunks of older versions are not known any more, so whatever nothing uses goes: at worst it is embedded once more.
        return document.Version <= 1
            ? erased
            : erased
                + session.Execute(
                    """
                    delete from embeddings
                    where created_at between $1 and $2 and not exists (
                        select 1 from chunks where chunks.content_hash = embeddings.content_hash)
                    """,
                    document.CreatedAt,
                    database.Now - (long)LongestWork.TotalMilliseconds
                );
    }

    private static int EraseBlob(SqliteSession session, string tenant, string hash) =>
        session.Execute(
            """
            delete from blobs where tenant = $1 and hash = $2
                and not exists (select 1 from documents where tenant = $1 and blob_hash = $2)
                and not exists (select 1 from attachments where tenant = $1 and hash = $2)
            """,
            tenant,
            hash
        );

    private static bool IsIndexed(SqliteSession session, SqliteIndex index, string id) =>
        session.Scalar(
            """
            select 1 where exists (select 1 from lexical_documents where index_id = $1 and document_id = $2)
                or exists (select 1 from lexical_deltas where index_id = $1 and document_id = $2)
                or exists (select 1 from index_changes where index_id = $1 and document_id = $2)
            """,
            index.Id,
            id
        )
            is not null;

    private sealed record ErasedDocument(
        string Source,
        string Name,
        string Title,
        string? Blob,
        int Version,
        long CreatedAt
    );
}
