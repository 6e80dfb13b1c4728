using Npgsql;
using NpgsqlTypes;
using Pgvector;

namespace Slipway.Rag.Benchmarks;

/// <summary>The baseline of publishing: the rows of documents, chunks and embeddings by binary COPY, one transaction, nothing else.</summary>
internal static class BareCopy
{
    public static async Task WriteAsync(NpgsqlConnection connection, IReadOnlyList<SearchDocument> documents)
    {
        var now = TimeProvider.System.GetUtcNow();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (
            var import = await connection.BeginBinaryImportAsync(
                """
                copy slipway.documents (id, tenant, collection, source, external_id, name, title, state, version, chunk_count, created_at,
                    updated_at) from stdin (format binary)
                """
            )
        )
        {
            foreach (var document in documents)
            {
                await import.StartRowAsync();
                await import.WriteAsync(document.Id);
                await import.WriteAsync("default");
                await import.WriteAsync("default");
                await import.WriteAsync("benchmark");
                await import.WriteAsync(document.Name);
                await import.WriteAsync(document.Name);
                await import.WriteAsync(document.Name);
                await import.WriteAsync("published");
                await import.WriteAsync(1);
                await import.WriteAsync(document.Chunks.Length);
                await import.WriteAsync(now);
                await import.WriteAsync(now);
            }

            await import.CompleteAsync();
        }

        await using (
            var import = await connection.BeginBinaryImportAsync(
                """
                copy slipway.chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash) from stdin (format binary)
                """
            )
        )
        {
            foreach (var document in documents)
            {
                foreach (var chunk in document.Chunks)
                {
                    await import.StartRowAsync();
                    await import.WriteAsync(document.Id);
                    await import.WriteAsync(chunk.Ordinal);
                    await import.WriteAsync(1);
                    await import.WriteAsync(chunk.Start);
                    await import.WriteAsync(chunk.End);
                    await import.WriteAsync(chunk.Text);
                    await import.WriteAsync(chunk.ContentHash);
                }
            }

            await import.CompleteAsync();
        }

        await using (
            var import = await connection.BeginBinaryImportAsync(
                "copy slipway.embeddings (content_hash, model, dimensions, vector, created_at) from stdin (format binary)"
            )
        )
        {
            foreach (var document in documents)
            {
                for (var i = 0; i < document.Chunks.Length; i++)
                {
                    await import.StartRowAsync();
                    await import.WriteAsync(document.Chunks[i].ContentHash);
                    await import.WriteAsync(SearchCorpus.Model);
                    await import.WriteAsync(SearchCorpus.Dimensions);
                    await import.WriteAsync(new Vector(document.Vectors[i]));
                    await import.WriteAsync(now, NpgsqlDbType.TimestampTz);
                }
            }

            await import.CompleteAsync();
        }

        await transaction.CommitAsync();
    }

    /// <summary>Empties a table and writes the same rows again by binary COPY.</summary>
    /// <returns>Seconds of the writing.</returns>
    public static async Task<double> AgainAsync(BenchmarkDatabase database, string table)
    {
        await using var connection = await database.ConnectAsync();
        using var rows = new MemoryStream();
        await using (
            var export = await connection.BeginRawBinaryCopyAsync($"copy slipway.{table} to stdout (format binary)")
        )
        {
            await export.CopyToAsync(rows);
        }

        await database.ExecuteAsync($"truncate slipway.{table}");
        await database.ExecuteAsync("checkpoint");
        rows.Position = 0;
        var start = TimeProvider.System.GetTimestamp();
        await using (
            var import = await connection.BeginRawBinaryCopyAsync($"copy slipway.{table} from stdin (format binary)")
        )
        {
            await rows.CopyToAsync(import);
        }

        return TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }
}
