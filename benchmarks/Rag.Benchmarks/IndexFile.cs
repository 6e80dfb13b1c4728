using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Filters.Internal;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Rag.Benchmarks;

/// <summary>A database file with a search index, and the same text in SQLite's FTS5 beside it.</summary>
internal sealed class IndexFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("slipway-benchmark-").FullName;
    private readonly SqliteDatabase _database;
    private readonly SqliteConnection _fts;

    public IndexFile()
    {
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(_folder, "slipway.db") },
            TimeProvider.System
        );
        Index = new SqliteSearchIndex(_database);
        _fts = new SqliteConnection($"Data Source={Path.Combine(_folder, "fts.db")};Pooling=False");
        _fts.Open();
        ExecuteFts("pragma journal_mode = wal");
        ExecuteFts("pragma synchronous = normal");
        ExecuteFts("create virtual table passages using fts5(text, content='', tokenize='porter unicode61')");
    }

    public SqliteSearchIndex Index { get; }

    /// <summary>Publishes documents, a transaction for each as the engine does, or one for all.</summary>
    public async Task PublishAsync(IEnumerable<(string Id, ChunkRecord[] Chunks)> documents, bool together = false)
    {
        foreach (var batch in documents.Chunk(together ? 1000 : 1))
        {
            await _database.WriteAsync(
                session =>
                {
                    var index = SqliteIndexWriter.GetOrCreateIndex(session, CollectionKey.Default);
                    foreach (var (id, chunks) in batch)
                    {
                        SqliteIndexWriter.Publish(session, index, id, chunks);
                    }
                },
                CancellationToken.None
            );
        }
    }

    /// <summary>What the vector leg and filters read: documents, metadata, chunks, embeddings.</summary>
    public async Task PublishVectorsAsync(
        IEnumerable<(string Id, ChunkRecord[] Chunks)> documents,
        string model,
        Func<float[]> vector,
        Func<string, Dictionary<string, string>>? metadata = null
    )
    {
        foreach (var batch in documents.Chunk(1000))
        {
            await _database.WriteAsync(
                session => batch.ToList().ForEach(document => Write(session, document)),
                CancellationToken.None
            );
            await PublishAsync(batch, together: true);
        }

        void Write(SqliteSession session, (string Id, ChunkRecord[] Chunks) document)
        {
            session.Execute(
                """
                insert into documents (id, tenant, collection, source, external_id, name, title, state, created_at, updated_at)
                values ($1, 'default', 'default', 'benchmark', $1, $1, $1, 'published', 0, 0)
                """,
                document.Id
            );
            foreach (var entry in MetadataEntry.Of(metadata?.Invoke(document.Id) ?? []))
            {
                session.Execute(
                    """
                    insert into document_metadata (document_id, key, value, number, instant, tenant, collection)
                    values ($1, $2, $3, $4, $5, 'default', 'default')
                    """,
                    document.Id,
                    entry.Key,
                    entry.Value,
                    entry.Number,
                    entry.Instant
                );
            }

            foreach (var chunk in document.Chunks)
            {
                session.Execute(
                    """
                    insert into chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash)
                    values ($1, $2, 1, 0, $3, $4, $5)
                    """,
                    document.Id,
                    chunk.Ordinal,
                    chunk.End,
                    chunk.Text,
                    chunk.ContentHash
                );
                var embedding = vector();
                session.Execute(
                    "insert into embeddings (content_hash, model, dimensions, vector, created_at) values ($1, $2, $3, $4, 0)",
                    chunk.ContentHash,
                    model,
                    embedding.Length,
                    MemoryMarshal.AsBytes(embedding.AsSpan()).ToArray()
                );
            }
        }
    }

    public async Task<int> SearchAsync(string query, int count, SearchFilter? filter = null)
    {
        await using var snapshot = await Index.OpenSnapshotAsync(CollectionKey.Default, Principal.Local, filter);
        return (await snapshot.SearchTextAsync(query, count, new())).Count;
    }

    public async Task<int> NearestAsync(string model, float[] vector, int count, SearchFilter? filter = null)
    {
        await using var snapshot = await Index.OpenSnapshotAsync(CollectionKey.Default, Principal.Local, filter);
        return (await snapshot.SearchVectorsAsync(model, vector, count)).Count;
    }

    public void PublishFts(IEnumerable<ChunkRecord[]> documents, bool together = false)
    {
        using var insert = _fts.CreateCommand();
        insert.CommandText = "insert into passages (text) values ($text)";
        var text = insert.Parameters.Add("$text", SqliteType.Text);
        foreach (var batch in documents.Chunk(together ? 1000 : 1))
        {
            using var transaction = _fts.BeginTransaction();
            insert.Transaction = transaction;
            foreach (var chunk in batch.SelectMany(chunks => chunks))
            {
                text.Value = chunk.Text;
                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        }
    }

    public int SearchFts(string[] words, int count)
    {
        using var command = _fts.CreateCommand();
        command.CommandText = "select rowid from passages where passages match $query order by rank limit $count";
        command.Parameters.AddWithValue("$query", string.Join(" OR ", words));
        command.Parameters.AddWithValue("$count", count);
        using var reader = command.ExecuteReader();
        var found = 0;
        while (reader.Read())
        {
            found++;
        }

        return found;
    }

    public void Dispose()
    {
        _database.Dispose();
        _fts.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void ExecuteFts(string sql)
    {
        using var command = _fts.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
