using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres.Tests.Search;

/// <summary>A database of its own, and the least that makes a document searchable.</summary>
internal sealed class SearchDatabase : IAsyncDisposable
{
    public const string Model = "words";
    public const int LeastIndexedVectors = 500;
    public static readonly Principal Anna = new("default", "anna");

    private readonly PostgresTestDatabase _test;
    private readonly List<PostgresDatabase> _databases = [];

    private SearchDatabase(PostgresTestDatabase test)
    {
        _test = test;
        Database = Open();
        Index = new PostgresSearchIndex(Database) { LeastIndexedVectors = LeastIndexedVectors };
    }

    public PostgresDatabase Database { get; }

    public PostgresSearchIndex Index { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<SearchDatabase> CreateAsync() => new(await PostgresTestDatabase.CreateAsync());

    /// <summary>The database as another process has it: nothing in memory is shared.</summary>
    public PostgresDatabase Open()
    {
        var database = new PostgresDatabase(
            _test.DataSource,
            ownsDataSource: false,
            _test.Options,
            TimeProvider.System
        );
        lock (_databases)
        {
            _databases.Add(database);
        }

        return database;
    }

    public string ConnectionString => _test.ConnectionString;

    /// <summary>Ends the connections that nobody uses at the moment.</summary>
    public void EndConnections() => _test.DataSource.Clear();

    public Task<object?> ExecuteAsync(string sql) => _test.ExecuteAsync(sql);

    public Task<List<object?>> QueryAsync(string sql) => _test.QueryAsync(sql);

    public static ChunkRecord Chunk(int ordinal, string text) =>
        new()
        {
            Ordinal = ordinal,
            Start = ordinal * 1000,
            End = (ordinal * 1000) + text.Length,
            Text = text,
            ContentHash = ChunkIdentity.Hash(ChunkIdentity.Input([], null, text)),
        };

    public async Task PublishAsync(string id, params string[] texts) =>
        await Database.WriteAsync(null, session => PublishAsync(session, id, texts), Token);

    public static async Task PublishAsync(PostgresSession session, string id, params string[] texts)
    {
        var chunks = texts.Select((text, i) => Chunk(i, text)).ToArray();
        session.Queue(
            """
            insert into slipway.documents
                (id, tenant, collection, source, external_id, name, title, state, version, created_at, updated_at)
            values ($1, 'default', 'default', 'test', $1, $1, $1, 'published', 0, now(), now())
            on conflict do nothing
            """,
            id
        );
        if (await session.ExecuteAsync("update slipway.documents set version = version + 1 where id = $1", id) == 0)
        {
            return; // deleted at this moment
        }

        session.Queue("delete from slipway.chunks where document_id = $1", id);
        foreach (var chunk in chunks)
        {
            session.Queue(
                """
                insert into slipway.chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash)
                values ($1, $2, 1, $3, $4, $5, $6)
                """,
                id,
                chunk.Ordinal,
                chunk.Start,
                chunk.End,
                chunk.Text,
                chunk.ContentHash
            );
        }

        await PostgresEmbeddings.SaveAsync(
            session,
            Model,
            [.. chunks.Select(chunk => (chunk.ContentHash, (ReadOnlyMemory<float>)WordVectors.Of(chunk.Text)))],
            TimeProvider.System.GetUtcNow()
        );
        var index = await PostgresIndexWriter.GetOrCreateIndexAsync(
            session,
            CollectionKey.Default,
            AnalyzerOptions.English,
            TimeProvider.System.GetUtcNow()
        );
        PostgresIndexWriter.Publish(session, index, id, chunks);
    }

    /// <summary>Publishes documents with the least that the vector leg reads. Chunks of a document have its vectors in order.</summary>
    public async Task PublishVectorsAsync(
        string model,
        IEnumerable<(string Id, string Collection, string? Principal, float[][] Vectors)> documents
    )
    {
        foreach (var batch in documents.Chunk(100))
        {
            await Database.WriteAsync(null, session => PublishVectorsAsync(session, model, batch), Token);
        }
    }

    private static async Task PublishVectorsAsync(
        PostgresSession session,
        string model,
        (string Id, string Collection, string? Principal, float[][] Vectors)[] documents
    )
    {
        var now = TimeProvider.System.GetUtcNow();
        foreach (var (id, collection, principal, vectors) in documents)
        {
            await PostgresIndexWriter.GetOrCreateIndexAsync(
                session,
                new CollectionKey("default", collection),
                null,
                now
            );
            session.Queue(
                """
                insert into slipway.documents (id, tenant, collection, source, external_id, name, title, state, chunk_count,
                    created_at, updated_at)
                values ($1, 'default', $2, 'test', $1, $1, $1, 'published', $3, now(), now())
                """,
                id,
                collection,
                vectors.Length
            );
            session.Queue(
                """
                insert into slipway.chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash)
                select $1, i, 1, 0, 0, '', $1 || ' ' || i from generate_series(0, $2 - 1) i
                """,
                id,
                vectors.Length
            );
            if (principal is not null)
            {
                session.Queue("insert into slipway.document_principals values ($1, $2)", id, principal);
            }

            await PostgresEmbeddings.SaveAsync(
                session,
                model,
                [.. vectors.Select((vector, i) => ($"{id} {i}", (ReadOnlyMemory<float>)vector))],
                now
            );
        }
    }

    public async Task DeleteAsync(string id) =>
        await Database.WriteAsync(null, session => DeleteAsync(session, id), Token);

    public static async Task DeleteAsync(PostgresSession session, string id)
    {
        // Only whoever deleted the row speaks for the index: a publisher may be making the document at this moment.
        if (
            await session.ExecuteAsync("delete from slipway.documents where id = $1", id) > 0
            && await PostgresIndex.FindAsync(session, CollectionKey.Default) is { } index
        )
        {
            PostgresIndexWriter.Delete(session, index, id);
        }
    }

    public async Task<NaiveBm25> ReadNaiveAsync()
    {
        var naive = new NaiveBm25();
        var rows = await QueryAsync(
            "select array_agg(document_id || E'\\t' || text order by ordinal) from slipway.chunks group by document_id"
        );
        foreach (var texts in rows.Cast<string[]>())
        {
            naive.Documents[texts[0].Split('\t')[0]] = Array.ConvertAll(texts, text => text.Split('\t')[1]);
        }

        return naive;
    }

    public Task<IReadOnlyList<ScoredChunk>> SearchAsync(string query, int count = 10) =>
        SearchAsync(Index, query, count);

    public static async Task<IReadOnlyList<ScoredChunk>> SearchAsync(ISearchIndex index, string query, int count = 10)
    {
        await using var snapshot = await index.OpenSnapshotAsync(CollectionKey.Default, Anna, Token);
        return await snapshot.SearchTextAsync(query, count, new Bm25Options(), Token);
    }

    public async Task<IReadOnlyList<ScoredChunk>> NearestAsync(
        float[] vector,
        int count = 10,
        string model = Model,
        string collection = "default",
        Principal? principal = null
    )
    {
        await using var snapshot = await Index.OpenSnapshotAsync(
            new CollectionKey("default", collection),
            principal ?? Anna,
            Token
        );
        return await snapshot.SearchVectorsAsync(model, vector, count, Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var database in _databases)
        {
            await database.DisposeAsync();
        }

        await _test.DisposeAsync();
    }
}
