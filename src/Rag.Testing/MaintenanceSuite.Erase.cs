using System.Text;
using Slipway.Rag.Reading;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Rag.Testing;

public abstract partial class MaintenanceSuite
{
    // A word that stands nowhere by chance.
    private const string Canary = "Xylophagus7";

    private const string Sentence = $"The boiler {Canary} stands in the cellar of the house. ";

    [Fact]
    public async Task Nothing_of_an_erased_document_is_left_in_the_database()
    {
        var id = await AddWithTracesAsync();
        await AddConversationAsync("c1", id);
        await Corpus.PublishAsync("other.md", "The pump stands in the garden.");
        await Corpus.MergeAsync();
        Assert.True(await Store.ContainsAsync(Canary, Token));

        var erased = await Maintenance.EraseAsync(CollectionKey.Default, id, Token);

        Assert.False(await Store.ContainsAsync(Canary, Token));
        Assert.Equal(
            new DocumentErasure
            {
                Documents = 1,
                Versions = 2,
                Chunks = 2,
                Rows = 1,
                Attempts = 3,
                Embeddings = 2,
                Blobs = 1,
                Messages = 2,
                TurnRecords = 5,
                Reports = 1,
                FreeSpaceCleaned = true,
            },
            erased
        );
        Assert.Null(await Maintenance.ExplainAsync(CollectionKey.Default, id, 10, Token));
        Assert.Empty(await Corpus.SearchAsync("boiler"));
        Assert.Equal(Corpus.Id("other.md"), Assert.Single(await Corpus.SearchAsync("pump")).DocumentId);
        Assert.Equal(
            (1, 1, 0, 0, 1, 0),
            (
                await Store.CountAsync(StoredKind.Documents, Token),
                await Store.CountAsync(StoredKind.Embeddings, Token),
                await Store.CountAsync(StoredKind.Rows, Token),
                await Store.CountAsync(StoredKind.Blobs, Token),
                await Store.CountAsync(StoredKind.Merged, Token),
                await Store.CountAsync(StoredKind.Unmerged, Token)
            )
        );
    }

    [Fact]
    public async Task An_answer_keeps_all_but_what_came_from_the_erased_document()
    {
        var id = await AddWithTracesAsync();
        await AddConversationAsync("c1", id);
        await AddConversationAsync("c2", "another");

        await Maintenance.EraseAsync(CollectionKey.Default, id, Token);

        var messages = await ReadAsync("messages", "conversation_id", "content");
        Assert.Equal(
            [
                User,
                """
                {"role":"tool","contents":[{"$type":"functionResult","callId":"1","result":{"kind":"slipway.search","query":"boiler","passages":[{"ref":"p1","documentId":"ID","version":2,"start":0,"end":9,"title":"(erased)","name":"(erased)","score":1},{"ref":"p2","documentId":"else","version":1,"start":0,"end":9,"title":"A title","name":"b.md","headings":["B"],"score":1}]}}]}
                """.Replace("ID", id, StringComparison.Ordinal),
                """
                {"role":"assistant","contents":[{"$type":"text","text":"Listen: ███ ██████ ███████████ ██████ ██ ███ ██████ ██ ███ █████ [1], as so often.","annotations":[{"$type":"citation","title":"(erased)","fileId":"ID","annotatedRegions":[{"$type":"textSpan","start":65,"end":68}],"additionalProperties":{"number":1,"documentId":"ID","name":"(erased)"}}]}]}
                """.Replace("ID", id, StringComparison.Ordinal),
            ],
            messages.Where(message => message[0] == "c1").Select(message => message[1])
        );
        Assert.Equal(
            [User, Tool("another"), Answer("another")],
            messages.Where(message => message[0] == "c2").Select(message => message[1])
        );
        var events = await ReadAsync("turn_events", "turn_id", "data");
        Assert.Equal(
            ["Listen: ███ ███", "███ ███████████ ██████", " ██ ███ ██████ [1]"],
            events
                .Where(turn => turn[0] == "turn of c1" && turn[1].Contains("text-delta", StringComparison.Ordinal))
                .Select(turn => turn[1].Split('"')[^2])
        );
        Assert.Equal(
            [.. Events("another")],
            events.Where(turn => turn[0] == "turn of c2").Select(turn => turn[1]).ToArray()
        );
    }

    [Fact]
    public async Task What_another_document_uses_too_stays()
    {
        var (a, hash) = await PushAsync("a.md", "same bytes");
        var (b, _) = await PushAsync("b.md", "same bytes");
        await PublishPushedAsync("a.md", hash, "shared ", "alone ");
        await PublishPushedAsync("b.md", hash, "shared ");

        var erased = (await Maintenance.EraseAsync(CollectionKey.Default, a, Token))!;

        Assert.Equal((2, 1, 0), (erased.Chunks, erased.Embeddings, erased.Blobs));
        Assert.NotNull(await Store.Blobs.OpenAsync("default", hash, Token));
        Assert.Equal(b, Assert.Single(await Corpus.SearchAsync("shared")).DocumentId);
        Assert.Equal(b, Assert.Single(await Corpus.NearestAsync(WordVectors.Of("shared "))).DocumentId);
        Assert.Equal(1, (await Maintenance.EraseAsync(CollectionKey.Default, b, Token))!.Blobs);
    }

    [Fact]
    public async Task Embeddings_of_older_versions_go_and_those_of_work_that_is_under_way_stay()
    {
        await Corpus.PublishAsync("a.md", "first version");
        Time.Advance(TimeSpan.FromHours(2));
        await Corpus.PublishAsync("a.md", "second version");
        await Corpus.SaveEmbeddingAsync(Corpus.Model, "not published yet", WordVectors.Of("not published yet"));

        var erased = (await Maintenance.EraseAsync(CollectionKey.Default, Corpus.Id("a.md"), Token))!;

        Assert.Equal(2, erased.Embeddings);
        Assert.Equal(1, await Store.CountAsync(StoredKind.Embeddings, Token));
    }

    [Fact]
    public async Task What_was_deleted_before_may_be_erased_by_its_id()
    {
        var id = await AddWithTracesAsync();
        await AddConversationAsync("c1", id);
        await Corpus.MergeAsync();
        await Store.Documents.DeleteAsync(CollectionKey.Default, [id], Token);

        var erased = (await Maintenance.EraseAsync(CollectionKey.Default, id, Token))!;

        Assert.Equal((0, 2, true), (erased.Documents, erased.Messages, erased.FreeSpaceCleaned));
        Assert.DoesNotContain(
            await ReadAsync("messages", "content"),
            message => message[0].Contains("Report", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task What_is_not_there_or_is_somebody_elses_is_not_erased()
    {
        var id = await Corpus.PublishAsync("a.md", "boiler");

        foreach (var other in new[] { new CollectionKey("default", "other"), new("other", "default") })
        {
            Assert.Null(await Maintenance.EraseAsync(other, id, Token));
        }

        Assert.Null(await Maintenance.EraseAsync(CollectionKey.Default, "nothing", Token));
        Assert.Null(await Maintenance.EraseAsync(CollectionKey.Default, "nothing\0", Token));
        Assert.Equal(id, Assert.Single(await Corpus.SearchAsync("boiler")).DocumentId);
    }

    /// <summary>A pushed document in its second version that has the canary wherever a document can have a text, and that failed since.</summary>
    private async Task<string> AddWithTracesAsync()
    {
        const string name = Canary + "/a.md";
        var (id, hash) = await PushAsync(name, Sentence);
        await PublishPushedAsync(name, hash, Sentence);
        var pushed = Pushed(name);
        await Corpus.PublishAsync(
            Publication(name, hash, Sentence, $"See {Canary} there.") with
            {
                Title = $"Report {Canary}",
                Metadata = new Dictionary<string, string> { [Canary] = $"by {Canary}" },
                Tables =
                [
                    new DataTable(
                        Canary,
                        [Canary],
                        [
                            [Canary],
                        ]
                    ),
                ],
            }
        );
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure(name, DocumentState.Quarantined) with
            {
                Source = "inbox",
                Document = pushed,
                Error = $"'{Canary}' is broken",
            },
            Token
        );
        await Store.Documents.RecordRunAsync(
            CollectionKey.Default,
            "inbox",
            Corpus.SeenAt,
            $$"""{"source":"inbox","errors":[{"name":"{{name}}","class":"Permanent","message":"'{{Canary}}' is broken"}]}""",
            Token
        );
        return id;
    }

    private SourceDocument Pushed(string name) =>
        new()
        {
            ExternalId = name,
            Name = name,
            Uri = "https://example.com/" + name,
            ModifiedAt = Time.GetUtcNow(),
            Metadata = new Dictionary<string, string> { ["author"] = name },
            Principals = ["user:anna", "user:" + name],
        };

    private async Task<(string Id, string Hash)> PushAsync(string name, string content)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        var (hash, _) = await Store.Blobs.PutAsync("default", stream, Token);
        return (await Store.Inbox.EnqueueAsync(CollectionKey.Default, Pushed(name), hash, Token), hash);
    }

    private DocumentPublication Publication(string name, string hash, params string[] texts) =>
        Corpus.Publication(name, texts) with
        {
            Source = "inbox",
            Document = Pushed(name),
            ContentHash = hash,
        };

    private Task PublishPushedAsync(string name, string hash, params string[] texts) =>
        Corpus.PublishAsync(Publication(name, hash, texts));

    private const string User =
        """{"role":"user","contents":[{"$type":"text","text":"Does the boiler stand in the cellar of the house?"}]}""";

    private static string Tool(string id) =>
        """
            {"role":"tool","contents":[{"$type":"functionResult","callId":"1","result":{"kind":"slipway.search","query":"boiler","passages":[{"ref":"p1","documentId":"ID","version":2,"start":0,"end":9,"title":"Report Xylophagus7","name":"Xylophagus7/a.md","headings":["Xylophagus7"],"uri":"https://example.com/Xylophagus7","score":1},{"ref":"p2","documentId":"else","version":1,"start":0,"end":9,"title":"A title","name":"b.md","headings":["B"],"score":1}]}}]}
            """.Replace("ID", id, StringComparison.Ordinal);

    private static string Answer(string id) =>
        """
            {"role":"assistant","contents":[{"$type":"text","text":"Listen: the boiler Xylophagus7 stands in the cellar of the house [1], as so often.","annotations":[{"$type":"citation","title":"Report Xylophagus7","url":"https://example.com/Xylophagus7","fileId":"ID","snippet":"boiler Xylophagus7","annotatedRegions":[{"$type":"textSpan","start":65,"end":68}],"additionalProperties":{"number":1,"documentId":"ID","name":"Xylophagus7/a.md","headings":"Xylophagus7"}}]}]}
            """.Replace("ID", id, StringComparison.Ordinal);

    private static IEnumerable<string> Events(string id) =>
        [
            """{"type":"text-delta","blockId":"1.1","text":"Listen: the boi"}""",
            """{"type":"text-delta","blockId":"1.1","text":"ler Xylophagus7 stands"}""",
            """{"type":"text-delta","blockId":"1.1","text":" in the cellar [1]"}""",
            """{"type":"citation-added","citation":{"number":1,"passage":{"documentId":"ID","version":2,"start":0,"end":9},"title":"Report Xylophagus7","name":"a","quote":"boiler Xylophagus7"}}""".Replace(
                "ID",
                id,
                StringComparison.Ordinal
            ),
        ];

    /// <summary>A question that was answered from the document, as the agent stores it.</summary>
    private async Task AddConversationAsync(string conversation, string id)
    {
        var (now, turn) = (Time.GetUtcNow(), "turn of " + conversation);
        await InsertAsync(
            "conversations",
            ("tenant", "default"),
            ("id", conversation),
            ("user_id", "anna"),
            ("metadata", "{}"),
            ("created_at", now),
            ("last_message_at", now)
        );
        await InsertAsync(
            "turns",
            ("id", turn),
            ("tenant", "default"),
            ("conversation_id", conversation),
            ("user_id", "anna"),
            ("status", "Completed"),
            ("fencing_token", 0L),
            ("started_at", now)
        );
        var messages = new[] { ("user", User), ("tool", Tool(id)), ("assistant", Answer(id)) };
        foreach (var (i, (role, content)) in messages.Index())
        {
            await InsertAsync(
                "messages",
                ("tenant", "default"),
                ("conversation_id", conversation),
                ("id", "m" + i),
                ("turn_id", turn),
                ("role", role),
                ("format", 1L),
                ("content", content),
                ("created_at", now)
            );
        }

        foreach (var (i, data) in Events(id).Index())
        {
            await InsertAsync(
                "turn_events",
                ("turn_id", turn),
                ("sequence", (long)i),
                ("data", data),
                ("created_at", now)
            );
        }

        await InsertAsync(
            "turn_steps",
            ("turn_id", turn),
            ("number", 1L),
            ("kind", "tool"),
            ("status", "Completed"),
            ("data", Tool(id)),
            ("started_at", now)
        );
    }

    private async Task InsertAsync(string name, params (string Column, object Value)[] values)
    {
        var table = StoreTable.Named(name);
        var row = table
            .Columns.Select(column => values.FirstOrDefault(value => value.Column == column.Name).Value)
            .ToArray();
        Assert.Equal(1, await Store.Tables.AddMissingAsync(table, [row], Token));
    }

    private async Task<List<string[]>> ReadAsync(string name, params string[] columns)
    {
        var table = StoreTable.Named(name);
        var at = columns.Select(column => table.Columns.Select(known => known.Name).ToList().IndexOf(column)).ToArray();
        await using var reader = await Store.Tables.OpenReaderAsync(Token);
        return await reader
            .ReadAsync(table, null, Token)
            .Select(row => Array.ConvertAll(at, i => (string)row[i]!))
            .ToListAsync(Token);
    }
}
