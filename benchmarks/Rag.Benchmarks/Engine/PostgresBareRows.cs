using Npgsql;
using NpgsqlTypes;
using Pgvector;
using Slipway.Rag.Storage.Internal;

namespace Slipway.Rag.Benchmarks;

/// <summary>Rows by binary COPY, in the engine's tables.</summary>
internal sealed class PostgresBareRows : IBareRows
{
    private static readonly string[] Lexical =
    [
        "index_generations",
        "lexical_postings",
        "lexical_buckets",
        "lexical_documents",
        "index_changes",
    ];

    private readonly NpgsqlDataSource _source;

    public PostgresBareRows(string database)
    {
        var builder = new NpgsqlDataSourceBuilder(BenchmarkDatabase.ConnectionStringTo(database));
        builder.UseVector();
        _source = builder.Build();
    }

    public async Task WriteAsync(IReadOnlyList<BareDocument> documents)
    {
        var now = TimeProvider.System.GetUtcNow();
        await using var connection = await _source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await WriteDocumentsAsync(connection, documents, now);
        await WriteMetadataAsync(connection, documents);
        await WriteVersionsAsync(connection, documents, now);
        await WriteAttemptsAsync(connection, documents, now);
        await WriteChunksAsync(connection, documents);
        await WriteEmbeddingsAsync(connection, documents, now);
        await transaction.CommitAsync();
    }

    public async Task<double> CopyLexicalRowsAsync(EnginePlace from)
    {
        await using var engine = new NpgsqlConnection(BenchmarkDatabase.ConnectionStringTo(from.Name));
        await engine.OpenAsync();
        await using var connection = await _source.OpenConnectionAsync();
        var seconds = 0.0;
        foreach (var table in Lexical)
        {
            using var rows = new MemoryStream();
            await using (
                var export = await engine.BeginRawBinaryCopyAsync($"copy slipway.{table} to stdout (format binary)")
            )
            {
                await export.CopyToAsync(rows);
            }

            rows.Position = 0;
            var start = TimeProvider.System.GetTimestamp();
            await using (
                var import = await connection.BeginRawBinaryCopyAsync(
                    $"copy slipway.{table} from stdin (format binary)"
                )
            )
            {
                await rows.CopyToAsync(import);
            }

            seconds += TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        }

        return seconds;
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static async Task WriteDocumentsAsync(
        NpgsqlConnection connection,
        IReadOnlyList<BareDocument> documents,
        DateTimeOffset now
    )
    {
        await using var import = await connection.BeginBinaryImportAsync(
            """
            copy slipway.documents (id, tenant, collection, source, external_id, name, title, media_type, uri, state, version, size,
                modified_at, modified_ticks, seen_at, content_hash, pipeline_fingerprint, chunk_count, metadata, created_at, updated_at,
                published_at) from stdin (format binary)
            """
        );
        foreach (var document in documents)
        {
            await import.StartRowAsync();
            await import.WriteAsync(document.Id);
            await import.WriteAsync("default");
            await import.WriteAsync("default");
            await import.WriteAsync("benchmark");
            await import.WriteAsync(document.Name);
            await import.WriteAsync(document.Name);
            await import.WriteAsync(document.Title);
            await import.WriteAsync(document.MediaType);
            await import.WriteAsync(document.Uri);
            await import.WriteAsync("published");
            await import.WriteAsync(1);
            await import.WriteAsync((long)document.Size);
            await import.WriteAsync(document.ModifiedAt);
            await import.WriteAsync(document.ModifiedAt.UtcTicks);
            await import.WriteAsync(now);
            await import.WriteAsync(document.Hash);
            await import.WriteAsync("benchmark");
            await import.WriteAsync(document.Chunks.Count);
            await import.WriteAsync(StoredValue.Json(document.Metadata));
            await import.WriteAsync(now);
            await import.WriteAsync(now);
            await import.WriteAsync(now);
        }

        await import.CompleteAsync();
    }

    private static async Task WriteMetadataAsync(NpgsqlConnection connection, IReadOnlyList<BareDocument> documents)
    {
        await using var import = await connection.BeginBinaryImportAsync(
            """
            copy slipway.document_metadata (document_id, key, value, number, instant, tenant, collection) from stdin (format binary)
            """
        );
        foreach (var document in documents)
        {
            foreach (var entry in document.Entries)
            {
                await import.StartRowAsync();
                await import.WriteAsync(document.Id);
                await import.WriteAsync(entry.Key);
                await import.WriteAsync(entry.Value);
                await WriteNumberAsync(import, entry.Number);
                await WriteNumberAsync(import, entry.Instant);
                await import.WriteAsync("default");
                await import.WriteAsync("default");
            }
        }

        await import.CompleteAsync();
    }

    private static async Task WriteAttemptsAsync(
        NpgsqlConnection connection,
        IReadOnlyList<BareDocument> documents,
        DateTimeOffset now
    )
    {
        await using var import = await connection.BeginBinaryImportAsync(
            "copy slipway.ingestion_attempts (document_id, started_at, duration_ms, outcome) from stdin (format binary)"
        );
        foreach (var document in documents)
        {
            await import.StartRowAsync();
            await import.WriteAsync(document.Id);
            await import.WriteAsync(now);
            await import.WriteAsync(0L);
            await import.WriteAsync("published");
        }

        await import.CompleteAsync();
    }

    private static async Task WriteVersionsAsync(
        NpgsqlConnection connection,
        IReadOnlyList<BareDocument> documents,
        DateTimeOffset now
    )
    {
        await using var import = await connection.BeginBinaryImportAsync(
            """
            copy slipway.document_versions
                (document_id, version, content_hash, size, pipeline_fingerprint, text_length, chunk_count, published_at)
            from stdin (format binary)
            """
        );
        foreach (var document in documents)
        {
            await import.StartRowAsync();
            await import.WriteAsync(document.Id);
            await import.WriteAsync(1);
            await import.WriteAsync(document.Hash);
            await import.WriteAsync((long)document.Size);
            await import.WriteAsync("benchmark");
            await import.WriteAsync(document.Chunks.Count == 0 ? 0 : document.Chunks[^1].End);
            await import.WriteAsync(document.Chunks.Count);
            await import.WriteAsync(now);
        }

        await import.CompleteAsync();
    }

    private static async Task WriteChunksAsync(NpgsqlConnection connection, IReadOnlyList<BareDocument> documents)
    {
        await using var import = await connection.BeginBinaryImportAsync(
            """
            copy slipway.chunks (document_id, ordinal, version, start_offset, end_offset, headings, repeated_header, text, content_hash)
            from stdin (format binary)
            """
        );
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
                await WriteTextAsync(import, BareDocument.Headings(chunk));
                await WriteTextAsync(import, chunk.RepeatedHeader);
                await import.WriteAsync(chunk.Text);
                await import.WriteAsync(chunk.ContentHash);
            }
        }

        await import.CompleteAsync();
    }

    private static async Task WriteEmbeddingsAsync(
        NpgsqlConnection connection,
        IReadOnlyList<BareDocument> documents,
        DateTimeOffset now
    )
    {
        await using var import = await connection.BeginBinaryImportAsync(
            "copy slipway.embeddings (content_hash, model, dimensions, vector, created_at) from stdin (format binary)"
        );
        foreach (var chunk in documents.SelectMany(document => document.New))
        {
            await import.StartRowAsync();
            await import.WriteAsync(chunk.ContentHash);
            await import.WriteAsync(FixedVectors.Model);
            await import.WriteAsync(FixedVectors.Dimensions);
            await import.WriteAsync(new Vector(FixedVectors.Of(chunk.Text)));
            await import.WriteAsync(now, NpgsqlDbType.TimestampTz);
        }

        await import.CompleteAsync();
    }

    private static Task WriteNumberAsync<T>(NpgsqlBinaryImporter import, T? number)
        where T : struct => number is { } value ? import.WriteAsync(value) : import.WriteNullAsync();

    private static Task WriteTextAsync(NpgsqlBinaryImporter import, string? text) =>
        text is null ? import.WriteNullAsync() : import.WriteAsync(text);
}
