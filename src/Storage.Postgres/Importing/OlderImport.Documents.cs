using Pgvector;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Importing;

public sealed partial class OlderImport
{
    /// <summary>
    /// All rows of a file one after the other: its head, its chunks, its table rows. Of several chunks with one number the one that was written
    /// last counts: the older pipeline could read a file twice at a time.
    /// </summary>
    private const string Files = """
        select file_id, kind, content, data, url, embedding from (
            select id collate "C" as file_id, 0 as kind, 0::bigint as place, title as content, schema as data, url, null::vector as embedding
            from {document_metadata}
            union all
            select file_id collate "C", 1, place, content, data, null, embedding from (
                select distinct on (file_id, place) * from (
                    select coalesce(nullif(metadata ->> 'file_id', ''), 'chunk-' || id) as file_id,
                        case when metadata ->> 'chunk_index' ~ '^[0-9]{1,9}$' then (metadata ->> 'chunk_index')::bigint else 1000000000 + id end as place,
                        id, content, case when jsonb_typeof(metadata) = 'object' then (metadata - 'file_contents')::text end as data, embedding
                    from {documents} where content is not null
                ) numbered
                order by file_id, place, id desc
            ) chunks
            union all
            select dataset_id collate "C", 2, id, null, row_data::text, null, null from {document_rows}
            where dataset_id is not null and row_data is not null
        ) files
        order by file_id, kind, place
        """;

    private async Task<OlderImportCount[]> ImportDocumentsAsync(
        OlderDatabase older,
        CancellationToken cancellationToken
    )
    {
        var count = new OlderImportCount { What = "documents" };
        var rows = new OlderImportCount { What = "document_rows" };
        foreach (var table in (string[])["documents", "document_metadata", "document_rows"])
        {
            if (!await older.HasAsync(table, cancellationToken).ConfigureAwait(false))
            {
                return [count, rows];
            }
        }

        await CountOrphansAsync(older, rows, cancellationToken).ConfigureAwait(false);
        Dictionary<string, LedgerEntry> ledger = new(StringComparer.Ordinal);
        await foreach (
            var entry in _documents
                .ReadLedgerAsync(_options.Collection, _options.Source, cancellationToken)
                .ConfigureAwait(false)
        )
        {
            ledger[entry.ExternalId] = entry;
        }

        HashSet<string> expected = new(StringComparer.Ordinal);
        OlderDocument? document = null;
        await foreach (var row in older.ReadAsync(Files, cancellationToken).ConfigureAwait(false))
        {
            var id = row.GetString(0);
            if (document?.Id != id)
            {
                await FinishAsync().ConfigureAwait(false);
                document = new OlderDocument(id);
            }

            var (content, data) = (
                row.IsDBNull(2) ? null : row.GetString(2),
                row.IsDBNull(3) ? null : row.GetString(3)
            );
            switch (row.GetInt32(1))
            {
                case 0:
                    document.AddHead(content, row.IsDBNull(4) ? null : row.GetString(4), data);
                    break;
                case 1:
                    document.AddChunk(content!, data, row.IsDBNull(5) ? null : row.GetFieldValue<Vector>(5).ToArray());
                    break;
                default:
                    document.AddRow(data!);
                    break;
            }
        }

        await FinishAsync().ConfigureAwait(false);
        await _index.MergeAsync(_options.Collection, cancellationToken).ConfigureAwait(false);
        await _index.OptimizeAsync(_options.Collection, cancellationToken).ConfigureAwait(false);
        await CountAgainAsync(expected, count, cancellationToken).ConfigureAwait(false);
        return [count, rows];

        async Task FinishAsync()
        {
            if (document is null)
            {
                return;
            }

            count.Read++;
            rows.Read += document.Rows;
            if (document.IsEmpty)
            {
                count.LeaveOut("neither chunks nor rows");
                return;
            }

            var external = StorableText.Of(document.ExternalId(_options));
            var known = ledger.GetValueOrDefault(external);
            expected.Add(external);
            // Read by our own pipeline meanwhile, or by an earlier run of this import.
            if (
                known is { Version: > 0 }
                && (known.PipelineFingerprint != OlderDocument.Fingerprint || known.ContentHash == document.Hash())
            )
            {
                count.Present++;
                rows.Present += document.Rows;
                return;
            }

            await PublishAsync(document, known, cancellationToken).ConfigureAwait(false);
            rows.Added += document.Rows;
            if (++count.Added % DocumentsBetweenMerges == 0)
            {
                await _index.MergeAsync(_options.Collection, cancellationToken).ConfigureAwait(false);
            }

            _progress?.Report(new OlderImportProgress(count.What, count.Read));
        }
    }

    private async Task PublishAsync(OlderDocument document, LedgerEntry? known, CancellationToken cancellationToken)
    {
        if (_options.EmbeddingModel is { } model && (_dimensions ??= document.Dimensions) is { } dimensions)
        {
            await _documents
                .SaveEmbeddingsAsync(model, document.Embeddings(dimensions), cancellationToken)
                .ConfigureAwait(false);
        }

        await _documents
            .PublishAsync(document.ToPublication(_options, known, _time.GetUtcNow()), cancellationToken)
            .ConfigureAwait(false);
    }

    // Of the first vector: all vectors of a model have the same.
    private int? _dimensions;

    private static async Task CountOrphansAsync(
        OlderDatabase older,
        OlderImportCount rows,
        CancellationToken cancellationToken
    )
    {
        await foreach (
            var row in older
                .ReadAsync(
                    "select count(*) from {document_rows} where dataset_id is null or row_data is null",
                    cancellationToken
                )
                .ConfigureAwait(false)
        )
        {
            for (rows.Read = row.GetInt64(0); rows.LeftOut.Values.Sum() < rows.Read; )
            {
                rows.LeaveOut("no document or no data");
            }
        }
    }

    /// <summary>The store itself is asked what it has, after everything.</summary>
    private async Task CountAgainAsync(
        HashSet<string> expected,
        OlderImportCount count,
        CancellationToken cancellationToken
    )
    {
        var missing = new HashSet<string>(expected, StringComparer.Ordinal);
        await foreach (
            var entry in _documents
                .ReadLedgerAsync(_options.Collection, _options.Source, cancellationToken)
                .ConfigureAwait(false)
        )
        {
            if (entry.Version > 0)
            {
                missing.Remove(entry.ExternalId);
            }
        }

        if (missing.Count > 0)
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                $"{missing.Count} of {count.Read} documents are not in the store, such as '{missing.Min(StringComparer.Ordinal)}'.",
                "Run the import again while nothing else writes to the store."
            );
        }
    }
}
