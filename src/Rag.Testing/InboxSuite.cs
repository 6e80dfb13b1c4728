using System.Text;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IInboxStore"/>: documents that were pushed wait in the ledger until they are read.</summary>
public abstract class InboxSuite(OpenStore open) : StoreSuite(open)
{
    private const string Inbox = "inbox";

    [Fact]
    public async Task A_pushed_document_waits_with_everything_that_was_said_of_it()
    {
        var pushed = new SourceDocument
        {
            ExternalId = "it's/né.md",
            Name = "né.md",
            MediaType = "text/markdown",
            Uri = "https://example.com/1",
            Title = "Title",
            Size = 5,
            ModifiedAt = new DateTimeOffset(638_800_000_001_234_567, TimeSpan.Zero),
            Metadata = new Dictionary<string, string> { ["author"] = "Ada" },
            Principals = ["user:anna", "group:service"],
        };
        var (id, hash) = await PushAsync("hello", pushed);

        Assert.Equal(DocumentId.Derive(CollectionKey.Default, Inbox, "it's/né.md"), id);
        Assert.Equal(hash, await Store.Inbox.FindBlobAsync(CollectionKey.Default, "it's/né.md", Token));
        var waiting = Assert.Single(await ReadAsync());
        Assert.Equal(pushed.Metadata, waiting.Metadata);
        Assert.Equal(pushed.Principals.Order(), waiting.Principals.Order());
        Assert.Equal(pushed with { Metadata = waiting.Metadata, Principals = waiting.Principals }, waiting);
        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((DocumentState.Pending, 0, Inbox), (info.State, info.Version, info.Source));
        Assert.Null(await Store.Documents.FindAsync(new Principal("default", "eve"), id, Token));
        Assert.Null(await Corpus.TextAsync(id));
    }

    [Fact]
    public async Task A_document_without_title_and_type_stays_without()
    {
        await PushAsync("hello", Pushed("a.md") with { Size = null, ModifiedAt = null });

        var waiting = Assert.Single(await ReadAsync());
        Assert.Equal(
            (null, null, null, null, null),
            (waiting.Title, waiting.MediaType, waiting.Uri, waiting.Size, waiting.ModifiedAt)
        );
        Assert.Empty(waiting.Metadata);
        Assert.Empty(waiting.Principals);
    }

    [Fact]
    public async Task New_content_makes_it_pending_again_while_the_old_version_answers()
    {
        var (id, hash) = await PushAsync("hello", Pushed("a.md"));
        await PublishAsync("a.md", "boiler", hash);
        Assert.Equal(DocumentState.Published, (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!.State);
        Assert.Single(await ReadAsync()); // everything that was ever pushed

        Time.Advance(TimeSpan.FromMinutes(1));
        var (again, newHash) = await PushAsync("hello again", Pushed("a.md"));

        Assert.Equal(id, again);
        Assert.Equal(newHash, await Store.Inbox.FindBlobAsync(CollectionKey.Default, "a.md", Token));
        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((DocumentState.Pending, 1), (info.State, info.Version));
        Assert.Single(await Corpus.SearchAsync("boiler"));
        Assert.Equal("boiler", await Corpus.TextAsync(id));
        Assert.Null(await Store.Blobs.OpenAsync("default", hash, Token));
    }

    [Fact]
    public async Task Pushing_again_ends_a_quarantine()
    {
        var (id, _) = await PushAsync("broken", Pushed("a.md"));
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure("a.md", DocumentState.Quarantined) with
            {
                Source = Inbox,
                Document = Pushed("a.md"),
            },
            Token
        );

        await PushAsync("whole", Pushed("a.md"));

        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((DocumentState.Pending, 0, null, null), (info.State, info.Attempts, info.Error, info.ErrorClass));
    }

    [Fact]
    public async Task What_is_pushed_while_the_older_content_is_worked_on_is_not_lost()
    {
        var older = Pushed("a.md");
        var (id, hash) = await PushAsync("old", older);
        Time.Advance(TimeSpan.FromMinutes(10));
        var newer = Pushed("a.md") with { Principals = ["user:anna"] };
        var (_, newHash) = await PushAsync("new", newer);

        // The worker that read the older content comes to its end, in any of the three ways.
        await Assert.ThrowsAsync<PublicationConflictException>(async () =>
            await Store.Documents.PublishAsync(
                Corpus.Publication("a.md", "old") with
                {
                    Source = Inbox,
                    Document = older,
                    ContentHash = hash,
                },
                Token
            )
        );
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure("a.md", DocumentState.Quarantined) with
            {
                Source = Inbox,
                Document = older,
            },
            Token
        );
        await Store.Documents.MarkSeenAsync(CollectionKey.Default, Inbox, [(id, older, Time.GetUtcNow())], Token);

        var info = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!;
        Assert.Equal((DocumentState.Pending, newer.ModifiedAt), (info.State, info.ModifiedAt));
        Assert.Null(await Store.Documents.FindAsync(new Principal("default", "eve"), id, Token));
        Assert.Equal(newHash, await Store.Inbox.FindBlobAsync(CollectionKey.Default, "a.md", Token));
        Assert.Equal(newer.ModifiedAt, Assert.Single(await ReadAsync()).ModifiedAt);
    }

    [Fact]
    public async Task Bytes_are_kept_while_a_document_needs_them_and_no_longer()
    {
        var (a, hash) = await PushAsync("same", Pushed("a.md"));
        var (b, _) = await PushAsync("same", Pushed("b.md"));
        Assert.Equal(1, await Store.CountAsync(StoredKind.Blobs, Token));

        await Store.Documents.DeleteAsync(CollectionKey.Default, [a], Token);
        Assert.NotNull(await Store.Blobs.OpenAsync("default", hash, Token));
        Assert.Equal("b.md", Assert.Single(await ReadAsync()).ExternalId);

        await Store.Documents.DeleteAsync(CollectionKey.Default, [b], Token);
        Assert.Equal(0, await Store.CountAsync(StoredKind.Blobs, Token));
        Assert.Empty(await ReadAsync());
        Assert.Null(await Store.Inbox.FindBlobAsync(CollectionKey.Default, "a.md", Token));
    }

    [Fact]
    public async Task Inboxes_are_separate_and_hold_what_was_pushed_only()
    {
        await PushAsync("hello", Pushed("a.md"));
        await Corpus.PublishAsync("listed.md", "boiler");

        Assert.Equal(["a.md"], (await ReadAsync()).Select(document => document.ExternalId));
        Assert.Null(await Store.Inbox.FindBlobAsync(CollectionKey.Default, "listed.md", Token));
        foreach (var other in new[] { new CollectionKey("default", "other"), new("elsewhere", "default") })
        {
            Assert.Empty(await Store.Inbox.ReadInboxAsync(other, Token).ToListAsync(Token));
            Assert.Null(await Store.Inbox.FindBlobAsync(other, "a.md", Token));
        }
    }

    private SourceDocument Pushed(string name) =>
        new()
        {
            ExternalId = name,
            Name = name,
            Size = 5,
            ModifiedAt = Time.GetUtcNow(),
        };

    private async Task<(string Id, string Hash)> PushAsync(string content, SourceDocument document)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(content));
        var (hash, _) = await Store.Blobs.PutAsync("default", stream, Token);
        return (await Store.Inbox.EnqueueAsync(CollectionKey.Default, document, hash, Token), hash);
    }

    private Task<string> PublishAsync(string name, string text, string hash) =>
        Corpus.PublishAsync(
            Corpus.Publication(name, text) with
            {
                Source = Inbox,
                Document = Pushed(name),
                ContentHash = hash,
            }
        );

    private async Task<IReadOnlyList<SourceDocument>> ReadAsync() =>
        await Store.Inbox.ReadInboxAsync(CollectionKey.Default, Token).ToListAsync(Token);
}
