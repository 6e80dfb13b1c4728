using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Slipway.Rag.Storage.Internal;

namespace Slipway.Rag.Benchmarks;

/// <summary>Rows by prepared statements, in the file's tables as the engine makes them and with its settings.</summary>
internal sealed class SqliteBareRows : IBareRows
{
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly Statement _document;
    private readonly Statement _metadata;
    private readonly Statement _attempt;
    private readonly Statement _version;
    private readonly Statement _chunk;
    private readonly Statement _embedding;

    public SqliteBareRows(string path)
    {
        _connection = new SqliteConnection($"Data Source={path};Pooling=False");
        _connection.Open();
        Execute(
            "pragma journal_mode = wal; pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -8000; pragma synchronous = normal; pragma wal_autocheckpoint = 16000"
        );
        _document = new Statement(
            _connection,
            """
            insert into documents (id, tenant, collection, source, external_id, name, title, media_type, uri, state, version, size,
                modified_at, modified_ticks, seen_at, content_hash, pipeline_fingerprint, chunk_count, metadata, created_at, updated_at,
                published_at)
            values ($1, 'default', 'default', 'benchmark', $2, $2, $3, $4, $5, 'published', 1, $6, $7, $8, $9, $10, 'benchmark', $11, $12,
                $9, $9, $9)
            """,
            12
        );
        _metadata = new Statement(
            _connection,
            """
            insert into document_metadata (document_id, key, value, number, instant, tenant, collection)
            values ($1, $2, $3, $4, $5, 'default', 'default')
            """,
            5
        );
        _attempt = new Statement(
            _connection,
            "insert into ingestion_attempts (document_id, started_at, duration_ms, outcome) values ($1, $2, 0, 'published')",
            2
        );
        _version = new Statement(
            _connection,
            """
            insert into document_versions
                (document_id, version, content_hash, size, pipeline_fingerprint, text_length, chunk_count, published_at)
            values ($1, 1, $2, $3, 'benchmark', $4, $5, $6)
            """,
            6
        );
        _chunk = new Statement(
            _connection,
            """
            insert into chunks
                (document_id, ordinal, version, start_offset, end_offset, headings, repeated_header, text, content_hash)
            values ($1, $2, 1, $3, $4, $5, $6, $7, $8)
            """,
            8
        );
        _embedding = new Statement(
            _connection,
            "insert into embeddings (content_hash, model, dimensions, vector, created_at) values ($1, $2, $3, $4, $5)",
            5
        );
    }

    public async Task WriteAsync(IReadOnlyList<BareDocument> documents)
    {
        await _writer.WaitAsync();
        try
        {
            using var transaction = _connection.BeginTransaction();
            foreach (var document in documents)
            {
                Write(document, transaction);
            }

            transaction.Commit();
        }
        finally
        {
            _writer.Release();
        }
    }

    public Task<double> CopyLexicalRowsAsync(EnginePlace from)
    {
        Execute($"attach database '{from.Name}' as engine");
        var start = TimeProvider.System.GetTimestamp();
        Execute(
            """
            begin immediate;
            insert into index_generations select * from engine.index_generations;
            insert into lexical_postings select * from engine.lexical_postings;
            insert into lexical_buckets select * from engine.lexical_buckets;
            insert into lexical_documents select * from engine.lexical_documents;
            insert into index_changes select * from engine.index_changes;
            commit
            """
        );
        return Task.FromResult(TimeProvider.System.GetElapsedTime(start).TotalSeconds);
    }

    public ValueTask DisposeAsync()
    {
        _document.Dispose();
        _metadata.Dispose();
        _attempt.Dispose();
        _version.Dispose();
        _chunk.Dispose();
        _embedding.Dispose();
        _connection.Dispose();
        _writer.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Write(BareDocument document, SqliteTransaction transaction)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        _document.Run(
            transaction,
            document.Id,
            document.Name,
            document.Title,
            document.MediaType,
            document.Uri,
            document.Size,
            document.ModifiedAt.ToUnixTimeMilliseconds(),
            document.ModifiedAt.UtcTicks,
            now,
            document.Hash,
            document.Chunks.Count,
            StoredValue.Json(document.Metadata)
        );
        foreach (var entry in document.Entries)
        {
            _metadata.Run(transaction, document.Id, entry.Key, entry.Value, entry.Number, entry.Instant);
        }

        _attempt.Run(transaction, document.Id, now);
        _version.Run(
            transaction,
            document.Id,
            document.Hash,
            document.Size,
            document.Chunks.Count == 0 ? 0 : document.Chunks[^1].End,
            document.Chunks.Count,
            now
        );
        foreach (var chunk in document.Chunks)
        {
            _chunk.Run(
                transaction,
                document.Id,
                chunk.Ordinal,
                chunk.Start,
                chunk.End,
                BareDocument.Headings(chunk),
                chunk.RepeatedHeader,
                chunk.Text,
                chunk.ContentHash
            );
        }

        foreach (var chunk in document.New)
        {
            _embedding.Run(
                transaction,
                chunk.ContentHash,
                FixedVectors.Model,
                FixedVectors.Dimensions,
                MemoryMarshal.AsBytes(FixedVectors.Of(chunk.Text).Span).ToArray(),
                now
            );
        }
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 0;
        command.ExecuteNonQuery();
    }

    private sealed class Statement : IDisposable
    {
        private readonly SqliteCommand _command;

        public Statement(SqliteConnection connection, string sql, int parameters)
        {
            _command = connection.CreateCommand();
            _command.CommandText = sql;
            for (var i = 1; i <= parameters; i++)
            {
                _command.Parameters.Add(new SqliteParameter { ParameterName = "$" + i });
            }
        }

        public void Run(SqliteTransaction transaction, params ReadOnlySpan<object?> values)
        {
            _command.Transaction = transaction;
            for (var i = 0; i < values.Length; i++)
            {
                _command.Parameters[i].Value = values[i] ?? DBNull.Value;
            }

            _command.ExecuteNonQuery();
        }

        public void Dispose() => _command.Dispose();
    }
}
