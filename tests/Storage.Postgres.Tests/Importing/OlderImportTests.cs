using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Importing;

namespace Slipway.Storage.Postgres.Tests.Importing;

public sealed class OlderImportTests : IAsyncLifetime
{
    private const string Model = "text-embedding-3-small";

    private static readonly Principal Ada = new("default", OlderTestDatabase.Ada);
    private static readonly Principal Bob = new("default", OlderTestDatabase.Bob);

    private readonly TemporaryFolder _folder = new();
    private PostgresTestDatabase _older = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _older = await PostgresTestDatabase.CreateEmptyAsync();
        await OlderTestDatabase.FillAsync(_older);
    }

    public async ValueTask DisposeAsync()
    {
        _folder.Dispose();
        if (_older is not null)
        {
            await _older.DisposeAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Everything_arrives_or_is_counted_with_its_reason(string engine)
    {
        await using var target = await OpenAsync(engine);

        var counts = await ImportAsync(target);

        Assert.Equal(
            [
                "user_profiles 2 2 0",
                "conversations 2 2 0",
                "requests 3 3 0",
                "messages 8 5 0 (neither a user's nor the assistant's 2) (no conversation 1)",
                "documents 7 6 0 (neither chunks nor rows 1)",
                "document_rows 5 3 0 (no document or no data 2)",
                "rag_pipeline_state 1 1 0",
            ],
            counts.Select(Text)
        );
        Assert.Equal(
            [
                "user_profiles 2 0 2",
                "conversations 2 0 2",
                "requests 3 0 3",
                "messages 8 0 5 (neither a user's nor the assistant's 2) (no conversation 1)",
                "documents 7 0 6 (neither chunks nor rows 1)",
                "document_rows 5 0 3 (no document or no data 2)",
                "rag_pipeline_state 1 0 1",
            ],
            (await ImportAsync(target)).Select(Text)
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Conversations_keep_their_ids_owners_and_words(string engine)
    {
        await using var target = await OpenAsync(engine);
        await ImportAsync(target);
        var store = target.Services.GetRequiredService<IConversationStore>();

        var talk = (await store.FindAsync(Ada, OlderTestDatabase.Talk, Token))!;
        Assert.Equal(
            ("A talk", At("2025-03-01T00:00Z"), At("2025-03-01T10:01Z")),
            (talk.Title, talk.CreatedAt, talk.LastMessageAt)
        );
        Assert.Null(await store.FindAsync(Bob, OlderTestDatabase.Talk, Token));

        var messages = await store.ReadMessagesAsync(Ada, OlderTestDatabase.Talk, cancellationToken: Token);
        Assert.Equal(["1", "2"], messages.Select(message => message.Message.MessageId));
        Assert.Equal([OlderTestDatabase.Asked, OlderTestDatabase.Asked], messages.Select(message => message.TurnId));
        Assert.All(messages, message => Assert.Equal(TurnStatus.Completed, message.TurnStatus));
        var question = messages[0].Message;
        Assert.StartsWith("How many sails?", question.Text, StringComparison.Ordinal);
        var file = Assert.IsType<DataContent>(question.Contents[1]);
        Assert.Equal(
            ("a.txt", "text/plain", "hello"),
            (file.Name, file.MediaType, System.Text.Encoding.UTF8.GetString(file.Data.Span))
        );
        Assert.Contains(
            "bad could not be read",
            Assert.IsType<TextContent>(question.Contents[2]).Text,
            StringComparison.Ordinal
        );
        Assert.Equal("Three.", messages[1].Message.Text);

        var failure = await store.ReadMessagesAsync(Bob, OlderTestDatabase.Failure, cancellationToken: Token);
        Assert.Equal(["Anyone?", "Sorry.", """{"rich": [1]}"""], failure.Select(message => message.Message.Text));
        Assert.Equal([TurnStatus.Failed, TurnStatus.Failed, null], failure.Select(message => message.TurnStatus));
        Assert.Equal(
            ["1 Lost \"question\"", "Completed", "Failed It broke", "Completed"],
            [
                (await target.ReadAsync("turn_steps"))
                    .Select(row =>
                        $"{row.Length / 9} {System.Text.Json.JsonDocument.Parse((string)row[6]!).RootElement.GetString()}"
                    )
                    .Single(),
                .. (await target.ReadAsync("turns")).Select(row => $"{row[4]} {row[7]}".Trim()),
            ]
        );
        var users = await target.ReadAsync("users");
        Assert.Equal(
            ["ada@example.org Ada True", "bob@example.org  False"],
            users.Select(row => $"{row[2]} {row[3]} {row[4]}")
        );
        Assert.Equal(
            [At("2025-03-01T10:01Z")],
            (await target.ReadAsync("conversations"))
                .Where(row => row[7] is null)
                .Select(row => (DateTimeOffset)row[6]!)
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Documents_keep_their_text_rows_facts_and_vectors(string engine)
    {
        await using var target = await OpenAsync(engine);
        await ImportAsync(target);
        var store = target.Services.GetRequiredService<IDocumentStore>();

        var page = await store.ListAsync(new() { Collection = CollectionKey.Default, Principal = Ada }, Token);
        Assert.Equal(
            ["/elsewhere/x.md", "chunk-6", "chunk-7", "guide.md", "rows", "sub/stock.csv"],
            page.Documents.Select(document => document.ExternalId)
        );
        var guide = page.Documents.Single(document => document.ExternalId == "guide.md");
        Assert.Equal(
            ("guide.md", "guide", "text/markdown", "file:///data/docs/guide.md", "imported"),
            (guide.Name, guide.Title, guide.MediaType, guide.Uri, guide.Source)
        );
        Assert.Equal("blue", guide.Metadata["team"]);
        Assert.DoesNotContain("file_contents", guide.Metadata.Keys);
        Assert.Equal(
            "A guide to sails and a new keel with masts",
            (await store.ReadTextAsync(Ada, guide.Id, Token))!.Text
        );
        var stock = page.Documents.Single(document => document.ExternalId == "sub/stock.csv");
        Assert.Equal(["part", "count", "extra"], stock.Columns);
        Assert.Equal("stock", stock.Title);
        Assert.Equal(
            [
                """sub/stock.csv 1 {"part":"mast","count":"2","extra":null}""",
                """sub/stock.csv 2 {"part":"boom","count":"3","extra":"7"}""",
                """rows 1 {"k":null}""",
            ],
            from row in await target.ReadAsync("document_rows")
            join document in page.Documents on (string)row[1]! equals document.Id
            orderby document.ExternalId descending, row[3]
            select $"{document.ExternalId} {row[3]} {row[4]}"
        );

        await using var snapshot = await target
            .Services.GetRequiredService<ISearchIndex>()
            .OpenSnapshotAsync(CollectionKey.Default, Ada, Token);
        var words = await snapshot.SearchTextAsync("keel", 5, new RetrievalOptions().Bm25, Token);
        Assert.Equal([(guide.Id, 1)], words.Select(hit => (hit.DocumentId, hit.Ordinal)));
        var nearest = await snapshot.SearchVectorsAsync(Model, new[] { 0f, 0f, 1f }, 10, Token);
        Assert.Equal((guide.Id, 1, 1.0), (nearest[0].DocumentId, nearest[0].Ordinal, Math.Round(nearest[0].Score, 4)));
        Assert.Equal(5, nearest.Count); // neither the chunk without a vector, nor the vector without a direction
    }

    [Fact]
    public async Task Without_the_name_of_the_model_no_vector_is_taken_over()
    {
        await using var target = await OpenAsync("sqlite");

        await ImportAsync(target, options => options.EmbeddingModel = null);

        Assert.Empty(await target.ReadAsync("embeddings"));
        Assert.NotEmpty(await target.ReadAsync("chunks"));
    }

    [Fact]
    public async Task An_import_that_broke_off_goes_on()
    {
        await using var target = await OpenAsync("sqlite");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var progress = new Stopping(stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ImportAsync(target, progress: progress, token: stop.Token)
        );
        var half = await ImportAsync(target);

        var documents = half.Single(count => count.What == "documents");
        Assert.Equal((7, 4, 2), (documents.Read, documents.Added, documents.Present));
        Assert.Equal(5, (await target.ReadAsync("messages")).Count);
    }

    [Fact]
    public async Task A_file_that_changed_over_there_is_brought_again_and_one_that_our_pipeline_read_is_not()
    {
        await using var target = await OpenAsync("sqlite");
        await ImportAsync(target);
        await _older.ExecuteAsync("update older.documents set content = 'a newer keel' where content = 'a new keel'");
        await _older.ExecuteAsync("update older.documents set content = 'other' where content = 'no number'");
        await target.ExecuteAsync(
            "update documents set pipeline_fingerprint = 'ours' where external_id = '/elsewhere/x.md'"
        );

        var documents = (await ImportAsync(target)).Single(count => count.What == "documents");

        Assert.Equal((1, 5), (documents.Added, documents.Present));
        Assert.Equal(2L, (await target.ReadAsync("documents")).Single(row => (string)row[4]! == "guide.md")[10]);
    }

    [Fact]
    public async Task The_compatibility_views_are_not_taken_for_the_older_tables()
    {
        await using var target = await OpenAsync("sqlite");
        await using var database = await PostgresTestDatabase.CreateAsync();
        await Compat.CompatScripts.RunAsync(database);

        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            ImportAsync(
                target,
                options =>
                {
                    options.ConnectionString = database.ConnectionString;
                    options.Schema = "public";
                }
            )
        );

        Assert.Contains("public.user_profiles is a view", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Our_pipeline_takes_over_what_was_imported_in_its_sources_name()
    {
        await using var target = await OpenAsync("postgres");
        await ImportAsync(target, options => options.Source = "local");
        _folder.Write("docs/guide.md", "# Guide\n\nNow with a rudder.\n");
        _folder.Write("docs/sub/stock.csv", "part,count\nmast,9\n");
        var store = target.Services.GetRequiredService<IDocumentStore>();
        var index = target.Services.GetRequiredService<ISearchIndex>();
        var pipeline = new IngestionPipeline(
            store,
            target.Services.GetRequiredService<IDocumentQueue>(),
            target.Services.GetRequiredService<ILeaseStore>(),
            index,
            ReaderSet.Default,
            new StructureChunker(),
            null,
            new IngestionOptions(),
            TimeProvider.System,
            NullLogger<IngestionPipeline>.Instance
        );
        var before = await store.ListAsync(new() { Collection = CollectionKey.Default, Principal = Ada }, Token);

        await pipeline.RunAsync(
            new LocalFolderSource(Path.Combine(_folder.Path, "docs")),
            CollectionKey.Default,
            cancellationToken: Token
        );

        var after = await store.ListAsync(new() { Collection = CollectionKey.Default, Principal = Ada }, Token);
        foreach (
            var (name, text) in ((string, string)[])[("guide.md", "Now with a rudder."), ("sub/stock.csv", "mast")]
        )
        {
            var document = after.Documents.Single(document => document.ExternalId == name);
            Assert.Equal(before.Documents.Single(document => document.ExternalId == name).Id, document.Id);
            Assert.Equal(2, document.Version);
            Assert.Contains(text, (await store.ReadTextAsync(Ada, document.Id, Token))!.Text, StringComparison.Ordinal);
        }

        var counts = await ImportAsync(target, options => options.Source = "local");
        Assert.Equal(
            2,
            (
                await store.FindAsync(
                    Ada,
                    before.Documents.Single(document => document.ExternalId == "guide.md").Id,
                    Token
                )
            )!.Version
        );
        Assert.Equal(
            6,
            counts.Single(count => count.What == "documents") is { } documents ? documents.Added + documents.Present : 0
        );
    }

    [Fact]
    public async Task Rows_that_a_policy_hides_are_an_error_and_not_a_loss()
    {
        await using var target = await OpenAsync("sqlite");
        await using var login = await TestLogin.CreateAsync(_older, null);
        await _older.ExecuteAsync(
            $"alter table older.messages enable row level security; grant usage on schema older to {login.Name}; grant select on all tables in schema older to {login.Name}"
        );

        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            ImportAsync(target, options => options.ConnectionString = login.ConnectionString)
        );

        Assert.Contains("does not let this login see everything", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorClass.Authentication, error.Class);
    }

    public static TheoryData<string> Engines => ["sqlite", "postgres"];

    private async Task<ImportTarget> OpenAsync(string engine) => await ImportTarget.OpenAsync(engine, _folder);

    private Task<IReadOnlyList<OlderImportCount>> ImportAsync(
        ImportTarget target,
        Action<OlderImportOptions>? configure = null,
        IProgress<OlderImportProgress>? progress = null,
        CancellationToken? token = null
    )
    {
        var options = new OlderImportOptions
        {
            ConnectionString = _older.ConnectionString,
            Schema = "older",
            WatchDirectory = "/data/docs",
            EmbeddingModel = Model,
        };
        configure?.Invoke(options);
        return new OlderImport(
            options,
            target.Services.GetRequiredService<IDocumentStore>(),
            target.Services.GetRequiredService<ISearchIndex>(),
            target.Services.GetRequiredService<IStoreTables>(),
            TimeProvider.System,
            progress
        ).RunAsync(token ?? Token);
    }

    private static string Text(OlderImportCount count) =>
        $"{count.What} {count.Read} {count.Added} {count.Present}"
        + string.Concat(count.LeftOut.Select(pair => $" ({pair.Key} {pair.Value})"));

    private static DateTimeOffset At(string time) =>
        DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);

    private sealed class Stopping(CancellationTokenSource stop) : IProgress<OlderImportProgress>
    {
        public void Report(OlderImportProgress value)
        {
            if (value is { What: "documents", Read: 2 })
            {
                stop.Cancel();
            }
        }
    }
}
