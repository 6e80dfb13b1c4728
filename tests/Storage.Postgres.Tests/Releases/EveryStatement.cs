using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Identity;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Releases;

/// <summary>Calls every method of every store, on the ways that send different statements.</summary>
internal static class EveryStatement
{
    private static readonly Principal Ada = new("default", "ada");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task RunAsync(PostgresDatabase database)
    {
        await DocumentsAsync(new PostgresDocumentStore(database), new PostgresBlobStore(database));
        await SearchAsync(
            new PostgresSearchIndex(database),
            new PostgresDocumentStore(database),
            new PostgresPassageReader(database)
        );
        await ConversationsAsync(new PostgresConversationStore(database), new PostgresTurnStore(database));
        await LeasesAsync(new PostgresLeaseStore(database));
        await IdentityAsync(new PostgresApiKeyStore(database), new PostgresUserStore(database));
        await AttachmentsAsync(new PostgresAttachmentStore(database));
    }

    private static async Task DocumentsAsync(PostgresDocumentStore documents, PostgresBlobStore blobs)
    {
        var publication = Corpus.Publication("a", "boiler", "valve");
        await documents.SaveEmbeddingsAsync(
            Corpus.Model,
            [.. publication.Chunks.Select(chunk => (chunk.ContentHash, (ReadOnlyMemory<float>)new float[] { 1, 2 }))],
            Cancellation
        );
        await documents.FindEmbeddedAsync(Corpus.Model, ["h"], Cancellation);
        var (id, _) = await documents.PublishAsync(
            publication with
            {
                Document = Corpus.Document("a", "user:ada"),
                Metadata = new Dictionary<string, string> { ["key"] = "1" },
                Tables =
                [
                    new DataTable(
                        "t",
                        ["c"],
                        [
                            ["1"],
                        ]
                    ),
                ],
            },
            Cancellation
        );
        await documents.PublishAsync(publication with { BaseVersion = 1, DocumentId = id }, Cancellation);
        var seen = Corpus.Document("a", "user:ada") with { Metadata = new Dictionary<string, string> { ["k"] = "v" } };
        await documents.MarkSeenAsync(CollectionKey.Default, Corpus.Source, [(id, seen, Corpus.SeenAt)], Cancellation);
        await documents.RecordFailureAsync(Corpus.Failure("b"), Cancellation);
        await documents.RecordRunAsync(CollectionKey.Default, Corpus.Source, Corpus.SeenAt, "{}", Cancellation);
        await documents.FindAsync(Ada, id, Cancellation);
        await documents.ListAsync(Corpus.Everything, Cancellation);
        await documents.ReadTextAsync(Ada, id, Cancellation);
        await foreach (var _ in documents.ReadLedgerAsync(CollectionKey.Default, Corpus.Source, Cancellation)) { }

        foreach (var text in (string[])["one", "two"])
        {
            using var content = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
            var (hash, _) = await blobs.PutAsync("default", content, Cancellation);
            await documents.EnqueueAsync(CollectionKey.Default, Corpus.Document("pushed"), hash, Cancellation);
            await blobs.OpenAsync("default", hash, Cancellation);
        }

        await foreach (var _ in documents.ReadInboxAsync(CollectionKey.Default, Cancellation)) { }
        await documents.FindBlobAsync(CollectionKey.Default, "pushed", Cancellation);
        await documents.DeleteAsync(CollectionKey.Default, [Corpus.Id("b")], Cancellation);
    }

    private static async Task SearchAsync(
        PostgresSearchIndex search,
        PostgresDocumentStore documents,
        PostgresPassageReader passages
    )
    {
        await AskAsync(search);
        await search.MergeAsync(CollectionKey.Default, Cancellation);
        await AskAsync(search);
        await passages.ReadAsync(new PassageReference(Corpus.Id("a"), 2, 0, 3), Ada, Cancellation);
        await documents.DeleteAsync(CollectionKey.Default, [Corpus.Id("a")], Cancellation);
        await search.MergeAsync(CollectionKey.Default, Cancellation);
    }

    private static async Task AskAsync(PostgresSearchIndex search)
    {
        await using var snapshot = await search.OpenSnapshotAsync(CollectionKey.Default, Ada, null, Cancellation);
        var found = await snapshot.SearchTextAsync("boiler", 3, new Bm25Options(), Cancellation);
        await snapshot.SearchVectorsAsync(Corpus.Model, new float[] { 1, 2 }, 3, Cancellation);
        await snapshot.ReadPassagesAsync(found, Cancellation);
    }

    private static async Task ConversationsAsync(PostgresConversationStore conversations, PostgresTurnStore turns)
    {
        var start = new TurnStart
        {
            TurnId = "t1",
            Principal = Ada,
            ConversationId = "c",
            Messages = [new(ChatRole.User, "hello") { MessageId = "m1" }],
            Title = "hello",
            Events = [new StepStarted(1)],
            Step = new()
            {
                Number = 1,
                Kind = TurnStepKind.Model,
                Status = TurnStepStatus.Started,
            },
        };
        var output = new TurnOutput
        {
            TurnId = "t1",
            Principal = Ada,
            ConversationId = "c",
            FencingToken = 1,
            Messages = [new(ChatRole.Assistant, "hi") { MessageId = "m2" }],
            Usage = new(1, 2),
        };
        var end = new TurnEnd(TurnStatus.Completed, "stop");
        await turns.StartTurnAsync(start, Cancellation);
        await turns.WriteAsync(output, Cancellation);
        await turns.RequestStopAsync(Ada, "c", Cancellation);
        await turns.RenewAsync([new("t1", 1)], TimeSpan.FromSeconds(1), Cancellation);
        await turns.ReleaseAsync([new("t1", 1)], Cancellation);
        await turns.TakeOverAsync(TimeSpan.FromSeconds(1), cancellationToken: Cancellation);
        await turns.WriteAsync(output with { FencingToken = 2, End = end }, Cancellation);
        await turns.ReadEventsAsync(Ada, "t1", cancellationToken: Cancellation);
        await turns.ReadStepsAsync(Ada, "t1", Cancellation);
        await turns.StartTurnAsync(start with { TurnId = "t2", IdempotencyKey = "k" }, Cancellation); // the same message again
        await turns.WriteAsync(output with { TurnId = "t2", End = end }, Cancellation);
        await turns.StartTurnAsync(start with { TurnId = "t3", Messages = [], Regenerate = true }, Cancellation);
        await turns.TrimAsync(DateTimeOffset.UnixEpoch, 1, Cancellation);
        await conversations.FindAsync(Ada, "c", Cancellation);
        await conversations.ListAsync(Ada, cancellationToken: Cancellation);
        await conversations.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation);
        await conversations.FindTurnAsync(Ada, "t1", Cancellation);
        await conversations.FindLastTurnAsync(Ada, "c", Cancellation);
        await conversations.RenameAsync(Ada, "c", "title", Cancellation);
        await conversations.ReplaceTitleAsync(Ada, "c", "title", "another", Cancellation);
        await conversations.SearchAsync(Ada, "hello", cancellationToken: Cancellation);
        await conversations.DeleteAsync(Ada, "c", Cancellation);
    }

    private static async Task IdentityAsync(PostgresApiKeyStore keys, PostgresUserStore users)
    {
        var now = DateTimeOffset.UnixEpoch;
        var key = new ApiKey
        {
            Id = "k1",
            Tenant = Ada.Tenant,
            UserId = Ada.Id,
            Name = "n",
            Scopes = [ApiKeyScopes.Chat],
            CreatedAt = now,
        };
        await keys.AddAsync(key, "h1", Cancellation);
        await keys.FindAsync("h1", Cancellation);
        await keys.ListAsync(Ada.Tenant, cancellationToken: Cancellation);
        await keys.MarkUsedAsync(key, TimeSpan.FromMinutes(1), Cancellation);
        await keys.RotateAsync(Ada.Tenant, "k1", "k2", "h2", now, cancellationToken: Cancellation);
        await keys.RevokeAsync(Ada.Tenant, "k2", Cancellation);
        await users.SaveAsync(Ada, "Ada", cancellationToken: Cancellation);
        await users.FindAsync(Ada, Cancellation);
    }

    private static async Task AttachmentsAsync(PostgresAttachmentStore attachments)
    {
        var attachment = await attachments.AddAsync(Ada, "c", new byte[] { 1 }, "image/png", "a.png", Cancellation);
        await attachments.FindAsync(Ada, "c", attachment.Id, Cancellation);
        await attachments.ReadAsync(Ada, "c", attachment.Id, Cancellation);
    }

    private static async Task LeasesAsync(PostgresLeaseStore leases)
    {
        var lease = await leases.AcquireAsync("l", "me", TimeSpan.FromMinutes(1), Cancellation);
        await leases.RenewAsync(lease!, TimeSpan.FromMinutes(1), Cancellation);
        await leases.ListAsync(Cancellation);
        await leases.ReleaseAsync(lease!, Cancellation);
    }
}
