using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Storage.Postgres.Tests.Copying;

/// <summary>A SQLite store with something in every table.</summary>
internal sealed class SourceFile : IAsyncDisposable
{
    public const string Model = "words";

    private static readonly string[] Words =
        "keel hull mast sail rope anchor tide wind harbour crane slip varnish oak brass rivet plank caulk tar lantern bell".Split(
            ' '
        );

    private readonly TemporaryFolder _folder = new();
    private readonly List<ServiceProvider> _services = [];

    public SourceFile() => Services = Open("source.db");

    public string FilePath => Path.Combine(_folder.Path, "source.db");

    public ServiceProvider Services { get; }

    public IStoreTables Tables => Services.GetRequiredService<IStoreTables>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A store in a file of this name, beside the source.</summary>
    public ServiceProvider Open(string name)
    {
        var builder = new Builder(new ServiceCollection());
        builder.UseSqlite(Path.Combine(_folder.Path, name));
        var services = builder.Services.BuildServiceProvider();
        _services.Add(services);
        return services;
    }

    /// <summary>Publishes documents, of which some are changed, deleted and merged again, so that every part of an index is in use.</summary>
    public async Task FillAsync(int documents, int chunks)
    {
        var store = Services.GetRequiredService<IDocumentStore>();
        var index = Services.GetRequiredService<ISearchIndex>();
        List<string> ids = [];
        for (var i = 0; i < documents; i++)
        {
            ids.Add(await PublishAsync(store, i, 0, chunks, null));
        }

        await index.MergeAsync(CollectionKey.Default, Token);
        await PublishAsync(store, 1, 1, 2, ids[1]); // changed, not merged yet
        await store.DeleteAsync(CollectionKey.Default, [ids[2]], Token);
        await store.RecordRunAsync(CollectionKey.Default, "test", DateTimeOffset.UnixEpoch, "{}", Token);
        await ExecuteAsync(
            """
            insert into blobs values ('default', 'h', 3, x'000102', 5), ('default', 'i', 0, x'', 5);
            insert into leases (name, owner, fencing_token, expires_at) values ('planner', 'somebody', 7, 9);
            insert into users values ('default', 'ada', 'ada@example.org', 'Ada' || char(0), 1, 1700000000123, 2), ('default', 'bob', null, null, 0, 1, 2);
            insert into api_keys values ('k', 'default', 'ada', 'n', 'h', '[]', 1, null, 2, null);
            insert into conversations values ('default', 'c', 'ada', 'Title', '{}', 1, 2, null), ('other', 'c', 'ada', null, '{}', 1, 2, 3);
            insert into attachments values ('default', 'c', 'ada', 'h', 'image/png', 'a.png', 3, 5), ('default', 'c', 'ada', 'i', 'image/png', null, 0, 5);
            insert into turns (id, tenant, conversation_id, user_id, status, started_at) values ('t', 'default', 'c', 'ada', 'Completed', 1);
            insert into messages (sequence, tenant, conversation_id, id, turn_id, role, format, content, created_at)
                values (41, 'default', 'c', 'm1', 't', 'user', 1, '{"$type":"a","b":"ü \u0000"}', 3), (42, 'default', 'c', 'm2', 't', 'assistant', 1, 'x', 4);
            insert into turn_steps values ('t', 1, 'tool', 'n', 'c', 'Completed', 'd', 1, 2);
            insert into turn_events values ('t', 1, 'e', 1), ('t', 2, 'f', 1);
            insert into memories values ('m', 'default', 'ada', 'text', 'h', x'0000803f00000040', 'words', 1, 2), ('n', 'default', 'ada', 'text', 'h', null, null, 1, 2);
            insert into usage (tenant, user_id, turn_id, kind, model, input_tokens, output_tokens, created_at, cached_input_tokens, cost, tool)
                values ('default', 'ada', 't', 'chat', 'm', 1, 2, 3, 1, 150, null), ('default', 'ada', 't', 'tool', null, 0, 0, 3, null, null, 'n');
            insert into usage_days values ('default', 'ada', 86400000, 3, 150);
            insert into turn_reservations values ('t', 'default', 'ada', 86400000, 10, 900, 3, 150, 1, 2, 3), ('u', 'default', 'ada', 86400000, 10, 900, 0, 0, 4, 5, null);
            """
        );
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={FilePath};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(Token);
    }

    /// <summary>The first column of every row.</summary>
    public async Task<List<string>> QueryAsync(string sql)
    {
        await Services.GetRequiredService<IStoreSchema>().MigrateAsync(Token);
        await using var connection = new SqliteConnection($"Data Source={FilePath};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync(Token);
        List<string> values = [];
        while (await reader.ReadAsync(Token))
        {
            values.Add(reader.GetString(0));
        }

        return values;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var services in _services)
        {
            await services.DisposeAsync();
        }

        _folder.Dispose();
    }

    private static async Task<string> PublishAsync(IDocumentStore store, int number, int version, int count, string? id)
    {
        var random = new Random(number + (version * 1000));
        List<ChunkRecord> chunks = [];
        List<(string, ReadOnlyMemory<float>)> vectors = [];
        for (var i = 0; i < count; i++)
        {
            var text =
                string.Join(' ', Enumerable.Range(0, 12).Select(_ => Words[random.Next(Words.Length)]))
                + $" {number} {i} {version}";
            var hash = ChunkIdentity.Hash(text);
            chunks.Add(
                new()
                {
                    Ordinal = i,
                    Start = i * 200,
                    End = (i * 200) + text.Length,
                    Text = text,
                    Headings = i == 0 ? [] : ["H"],
                    ContentHash = hash,
                }
            );
            vectors.Add((hash, new[] { random.NextSingle() - 0.5f, random.NextSingle() - 0.5f, random.NextSingle() }));
        }

        await store.SaveEmbeddingsAsync(Model, vectors, Token);
        var (documentId, _) = await store.PublishAsync(
            new()
            {
                Collection = CollectionKey.Default,
                Source = "test",
                Document = new SourceDocument
                {
                    ExternalId = "d" + number,
                    Name = $"folder/d{number}.md",
                    Size = 10,
                    ModifiedAt = DateTimeOffset.UnixEpoch.AddTicks(12_345_678),
                    Metadata = new Dictionary<string, string>
                    {
                        ["year"] = "2026",
                        ["number"] = number.ToString(System.Globalization.CultureInfo.InvariantCulture),
                    },
                    Principals = number % 10 == 3 ? ["user:ada"] : [],
                },
                BaseVersion = version,
                DocumentId = id,
                MediaType = "text/markdown",
                Title = "D" + number,
                IsTitleDerived = number % 2 == 0,
                Size = 10,
                SeenAt = DateTimeOffset.UnixEpoch.AddDays(1),
                ContentHash = "c" + number,
                PipelineFingerprint = "p",
                Metadata = new Dictionary<string, string> { ["lang"] = "en" },
                Chunks = chunks,
                Tables =
                    number == 0
                        ?
                        [
                            new(
                                "t",
                                ["a"],
                                [
                                    ["1"],
                                    ["2"],
                                ]
                            ),
                        ]
                        : [],
                EmbeddingModel = Model,
            },
            Token
        );
        return documentId;
    }

    private sealed record Builder(IServiceCollection Services) : ISlipwayBuilder;
}
