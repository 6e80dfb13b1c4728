using System.Globalization;
using Npgsql;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

internal sealed partial class PostgresDocumentMaintenance
{
    /// <summary>
    /// Embeddings are kept before their document is published: one that nothing uses and that is younger may belong to somebody's work.
    /// </summary>
    private static readonly TimeSpan LongestWork = TimeSpan.FromHours(1);

    private static readonly string[] Touched =
    [
        "documents",
        "document_metadata",
        "document_principals",
        "document_versions",
        "document_rows",
        "chunks",
        "embeddings",
        "blobs",
        "lexical_postings",
        "lexical_buckets",
        "lexical_documents",
        "lexical_deltas",
        "ingestion_attempts",
        "ingestion_runs",
        "messages",
        "turn_steps",
        "turn_events",
    ];

    /// <summary>Documents in one merge transaction.</summary>
    private const int MergedAtOnce = 1024;

    public async ValueTask<DocumentErasure?> EraseAsync(
        CollectionKey collection,
        string documentId,
        CancellationToken cancellationToken = default
    )
    {
        if (!PostgresAccess.CanBeStored(documentId))
        {
            return null;
        }

        var erased = await database
            .WriteAsync(null, session => EraseAsync(session, collection, documentId), cancellationToken)
            .ConfigureAwait(false);
        if (erased is null)
        {
            return null;
        }

        await MergeAsync(collection, cancellationToken).ConfigureAwait(false);
        return erased with { FreeSpaceCleaned = await VacuumAsync(cancellationToken).ConfigureAwait(false) };
    }

    /// <summary>Null when there is nothing of such a document.</summary>
    private async Task<DocumentErasure?> EraseAsync(PostgresSession session, CollectionKey collection, string id)
    {
        if (!await PostgresCaller.SeesAllRowsAsync(session).ConfigureAwait(false))
        {
            throw new SlipwayException(
                ErrorClass.Authentication,
                $"This login sees only some of the conversations of the PostgreSQL database {database.Target}, which may hold quotes.",
                "Erase with a login of slipway_owner or slipway_background."
            );
        }

        var document = await ReadDocumentAsync(session, collection, id).ConfigureAwait(false);
        if (
            document is null
            && await session.ScalarAsync("select 1 from slipway.documents where id = $1", id).ConfigureAwait(false)
                is not null
        )
        {
            return null; // somebody else's
        }

        var text = await session
            .ScalarAsync("select string_agg(text, '' order by ordinal) from slipway.chunks where document_id = $1", id)
            .ConfigureAwait(false);
        var redaction = new DocumentRedaction(
            id,
            document?.Name ?? "",
            document?.Title ?? "",
            document is null ? "" : text as string ?? ""
        );
        var erased = new DocumentErasure
        {
            Documents = document is null ? 0 : 1,
            Versions = await CountAsync(session, "document_versions", id).ConfigureAwait(false),
            Chunks = await CountAsync(session, "chunks", id).ConfigureAwait(false),
            Rows = await CountAsync(session, "document_rows", id).ConfigureAwait(false),
            Attempts = await CountAsync(session, "ingestion_attempts", id).ConfigureAwait(false),
            Embeddings = document is null ? 0 : await EraseEmbeddingsAsync(session, id, document).ConfigureAwait(false),
            Messages = await EraseFromMessagesAsync(session, collection.Tenant, id, redaction).ConfigureAwait(false),
            TurnRecords = await EraseFromTurnsAsync(session, collection.Tenant, id, redaction).ConfigureAwait(false),
            Reports = document is null
                ? 0
                : await EraseFromReportsAsync(session, collection, document.Source, redaction).ConfigureAwait(false),
        };
        // Everything else of it goes with it (on delete cascade).
        session.Queue("delete from slipway.documents where id = $1", id);
        if (document?.Blob is { } blob)
        {
            erased = erased with
            {
                Blobs = await EraseBlobAsync(session, collection.Tenant, blob).ConfigureAwait(false),
            };
        }

        var index = await PostgresIndex.FindAsync(session, collection).ConfigureAwait(false);
        var isIndexed = index is not null && await IsIndexedAsync(session, index, id).ConfigureAwait(false);
        if (isIndexed)
        {
            PostgresIndexWriter.Delete(session, index!, id);
        }

        session.Changed.Add(ChangeTopic.Document(id));
        return erased == new DocumentErasure() && !isIndexed ? null : erased;
    }

    private static async Task<ErasedDocument?> ReadDocumentAsync(
        PostgresSession session,
        CollectionKey collection,
        string id
    )
    {
        var reader = await session
            .QueryAsync(
                """
                select source, name, title, blob_hash, version, created_at from slipway.documents
                where id = $1 and tenant = $2 and collection = $3 for update
                """,
                id,
                collection.Tenant,
                collection.Collection
            )
            .ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            return await reader.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? new ErasedDocument(
                    reader.GetString(0),
                    reader.GetString(1),
                    reader.GetString(2),
                    reader.NullableString(3),
                    reader.GetInt32(4),
                    reader.Time(5)
                )
                : null;
        }
    }

    private static async Task<int> CountAsync(PostgresSession session, string table, string id) =>
        Convert.ToInt32(
            await session
                .ScalarAsync($"select count(*) from slipway.{table} where document_id = $1", id)
                .ConfigureAwait(false),
            CultureInfo.InvariantCulture
        );

    private async Task<int> EraseEmbeddingsAsync(PostgresSession session, string id, ErasedDocument document)
    {
        var erased = await session
            .ExecuteAsync(
                """
                delete from slipway.embeddings e
                where content_hash in (select content_hash from slipway.chunks where document_id = $1) and not exists (
                    select from slipway.chunks other where other.content_hash = e.content_hash and other.document_id <> $1)
                """,
                id
            )
            .ConfigureAwait(false);
        // The chunks of older versions are not known any more, so whatever nothing uses goes: at worst it is embedded once more.
        return document.Version <= 1
            ? erased
            : erased
                + await session
                    .ExecuteAsync(
                        """
                        delete from slipway.embeddings e
                        where created_at between $1 and $2 and not exists (
                            select from slipway.chunks where chunks.content_hash = e.content_hash)
                        """,
                        document.CreatedAt,
                        database.Now - LongestWork
                    )
                    .ConfigureAwait(false);
    }

    private static async Task<int> EraseBlobAsync(PostgresSession session, string tenant, string hash)
    {
        // Waits for whoever is about to use it; the delete is a statement of its own, so that it sees what they did.
        session.Queue("update slipway.blobs set created_at = created_at where tenant = $1 and hash = $2", tenant, hash);
        return await session
            .ExecuteAsync(
                """
                delete from slipway.blobs where tenant = $1 and hash = $2
                    and not exists (select from slipway.documents where tenant = $1 and blob_hash = $2)
                    and not slipway.is_attached($1, $2)
                """,
                tenant,
                hash
            )
            .ConfigureAwait(false);
    }

    private static async Task<bool> IsIndexedAsync(PostgresSession session, PostgresIndex index, string id) =>
        await session
            .ScalarAsync(
                """
                select exists (select from slipway.lexical_documents where index_id = $1 and document_id = $2)
                    or exists (select from slipway.lexical_deltas where index_id = $1 and document_id = $2)
                """,
                index.Id,
                id
            )
            .ConfigureAwait(false)
            is true;

    /// <summary>Unlike the merge of every day it waits for one that is under way, which may have begun before the document was deleted.</summary>
    private async Task MergeAsync(CollectionKey collection, CancellationToken cancellationToken)
    {
        for (var merged = MergedAtOnce; merged == MergedAtOnce; )
        {
            merged = await database
                .WriteAsync(
                    null,
                    async session =>
                    {
                        await PostgresIndex.FindForMergeAsync(session, collection, wait: true).ConfigureAwait(false);
                        return await PostgresMerge.RunAsync(session, collection, MergedAtOnce).ConfigureAwait(false);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>Whether the login may; without the right the server only warns.</summary>
    private async Task<bool> VacuumAsync(CancellationToken cancellationToken) =>
        await database
            .GuardAsync(async () =>
            {
                var connection = await database.OpenDirectAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var ask = new NpgsqlCommand(
                        "select pg_has_role(relowner, 'usage') from pg_class where oid = 'slipway.documents'::regclass",
                        connection
                    );
                    await using (ask.ConfigureAwait(false))
                    {
                        if (await ask.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not true)
                        {
                            return false;
                        }
                    }

                    // The planner's statistics hold samples of the values, so they are made anew as well.
                    var vacuum = new NpgsqlCommand(
                        $"vacuum (analyze) {string.Join(", ", Touched.Select(table => "slipway." + table))}",
                        connection
                    )
                    {
                        CommandTimeout = 0,
                    };
                    await using (vacuum.ConfigureAwait(false))
                    {
                        await vacuum.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                        return true;
                    }
                }
            })
            .ConfigureAwait(false);

    private sealed record ErasedDocument(
        string Source,
        string Name,
        string Title,
        string? Blob,
        int Version,
        DateTimeOffset CreatedAt
    );
}
