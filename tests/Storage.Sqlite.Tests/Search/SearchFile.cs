using System.Runtime.InteropServices;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite.Tests.Search;

/// <summary>A database file of its own, and the least that makes a document searchable.</summary>
internal sealed class SearchFile : IDisposable
{
    public const string Model = "words";
    public static readonly Principal Anna = new("default", "anna");

    private readonly string _folder = Directory.CreateTempSubdirectory("slipway-search-").FullName;
    private readonly List<SqliteDatabase> _databases = [];

    public SearchFile() => Database = Open();

    public SqliteDatabase Database { get; }

    /// <summary>The file as another process has it: nothing in memory is shared.</summary>
    public SqliteDatabase Open()
    {
        var database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(_folder, "slipway.db") },
            TimeProvider.System
        );
        lock (_databases)
        {
            _databases.Add(database);
        }

        return database;
    }

    public static ChunkRecord Chunk(int ordinal, string text, string? heading = null) =>
        new()
        {
            Ordinal = ordinal,
            Start = ordinal * 1000,
            End = (ordinal * 1000) + text.Length,
            Text = text,
            Headings = heading is null ? [] : [heading],
            ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input(heading is null ? [] : [heading], null, text)),
        };

    public Task PublishAsync(string id, params string[] texts) => PublishAsync(CollectionKey.Default, id, [], texts);

    public async Task PublishAsync(CollectionKey collection, string id, string[] principals, params string[] texts)
    {
        var chunks = texts.Select((text, i) => Chunk(i, text)).ToArray();
        await Database.WriteAsync(
            session => Publish(session, collection, id, principals, chunks),
            TestContext.Current.CancellationToken
        );
    }

    public static void Publish(
        SqliteSession session,
        CollectionKey collection,
        string id,
        string[] principals,
        IReadOnlyList<ChunkRecord> chunks
    )
    {
        session.Execute(
            """
            insert into documents (id, tenant, collection, source, external_id, name, title, state, version, created_at, updated_at)
            values ($1, $2, $3, 'test', $1, $1 || '.md', 'Title of ' || $1, 'published', 1, 0, 0)
            on conflict (id) do update set version = version + 1
            """,
            id,
            collection.Tenant,
            collection.Collection
        );
        session.Execute("delete from chunks where document_id = $1", id);
        session.Execute("delete from document_principals where document_id = $1", id);
        foreach (var principal in principals)
        {
            session.Execute("insert into document_principals values ($1, $2)", id, principal);
        }

        foreach (var chunk in chunks)
        {
            session.Execute(
                """
                insert into chunks (document_id, ordinal, version, start_offset, end_offset, headings, text, content_hash)
                values ($1, $2, 1, $3, $4, $5, $6, $7)
                """,
                id,
                chunk.Ordinal,
                chunk.Start,
                chunk.End,
                chunk.Headings.Count == 0 ? null : $"[\"{chunk.Headings[0]}\"]",
                chunk.Text,
                chunk.ContentHash
            );
        }

        foreach (var chunk in chunks)
        {
            WriteEmbedding(session, Model, chunk.ContentHash, WordVectors.Of(chunk.Text));
        }

        SqliteIndexWriter.Publish(
            session,
            SqliteIndexWriter.GetOrCreateIndex(session, collection, AnalyzerOptions.English),
            id,
            chunks
        );
    }

    public static void WriteEmbedding(SqliteSession session, string model, string contentHash, float[] vector) =>
        session.Execute(
            """
            insert or ignore into embeddings (content_hash, model, dimensions, vector, created_at) values ($1, $2, $3, $4, 0)
            """,
            contentHash,
            model,
            vector.Length,
            MemoryMarshal.AsBytes(vector.AsSpan()).ToArray()
        );

    public async Task DeleteAsync(string id) =>
        await Database.WriteAsync(
            session =>
            {
                session.Execute("delete from documents where id = $1", id);
                SqliteIndexWriter.Delete(
                    session,
                    SqliteIndexWriter.GetOrCreateIndex(session, CollectionKey.Default),
                    id
                );
            },
            TestContext.Current.CancellationToken
        );

    public static async Task<IReadOnlyList<ScoredChunk>> SearchAsync(
        ISearchIndex index,
        string query,
        int count = 10,
        Principal? principal = null
    )
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var snapshot = await index.OpenSnapshotAsync(
            CollectionKey.Default,
            principal ?? Anna,
            cancellationToken
        );
        return await snapshot.SearchTextAsync(query, count, new Bm25Options(), cancellationToken);
    }

    public static async Task<IReadOnlyList<ScoredChunk>> NearestAsync(
        ISearchIndex index,
        float[] vector,
        int count = 10,
        Principal? principal = null,
        string model = Model
    )
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var snapshot = await index.OpenSnapshotAsync(
            CollectionKey.Default,
            principal ?? Anna,
            cancellationToken
        );
        return await snapshot.SearchVectorsAsync(model, vector, count, cancellationToken);
    }

    public void Dispose()
    {
        _databases.ForEach(database => database.Dispose());
        Directory.Delete(_folder, recursive: true);
    }
}
