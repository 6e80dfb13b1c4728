using System.Collections.Concurrent;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentQueue"/>: a document has one worker at a time, and a worker that wakes late changes nothing.</summary>
public abstract partial class ClaimSuite(OpenStore open) : StoreSuite(open)
{
    // Clocks are moved in steps against which the time that a test takes is nothing; an end that is met exactly has passed.
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private IDocumentQueue Queue => Store.Queue;

    [Fact]
    public async Task What_is_due_is_claimed_in_the_order_of_its_time_and_then_of_its_id()
    {
        await AddDueAsync("late", -1 * Hour);
        await AddDueAsync("early", -3 * Hour);
        await AddDueAsync("tied 1", -2 * Hour);
        await AddDueAsync("tied 2", -2 * Hour);
        await AddDueAsync("later", Hour);
        var tied = new[] { "tied 1", "tied 2" }.OrderBy(Corpus.Id, StringComparer.Ordinal).ToArray();

        Assert.Equal(["early", tied[0]], Names(await ClaimAsync("a", count: 2)));
        Assert.Equal([tied[1], "late"], Names(await ClaimAsync("b", count: 9)));
        Assert.Empty(await ClaimAsync("c", count: 9));

        await Store.ShiftClockAsync(Hour, Token);
        Assert.Contains("later", Names(await ClaimAsync("c", count: 9)));
    }

    [Fact]
    public async Task A_claim_says_all_that_its_worker_needs()
    {
        var modifiedAt = new DateTimeOffset(638_800_000_001_234_567, TimeSpan.Zero);
        var document = Corpus.Document("a.txt", "user:anna", "group:service") with
        {
            ModifiedAt = modifiedAt,
            Uri = "https://example.com/a",
            Metadata = new Dictionary<string, string> { ["author"] = "Ada" },
        };
        // What was found in an earlier version, its title and its type, is not what the source says.
        await Corpus.PublishAsync(Corpus.Publication("a.txt", "text") with { Document = document, Title = "Found" });
        var due = await Store.ReadClockAsync(Token) - Hour;
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure("a.txt") with
            {
                Document = document,
                NextActionAt = due,
            },
            Token
        );
        var before = await Store.ReadClockAsync(Token);

        var claim = Assert.Single(await ClaimAsync("worker 1"));

        Assert.Equal((CollectionKey.Default, Corpus.Source, "worker 1"), (claim.Collection, claim.Source, claim.Owner));
        Assert.Equal(await Corpus.LedgerAsync("a.txt"), claim.Entry);
        Assert.Equal((DocumentState.Failed, 1, 1), (claim.Entry.State, claim.Entry.Version, claim.Entry.Attempts));
        Assert.Equal(document.Metadata, claim.Document.Metadata);
        Assert.Equal(document.Principals.Order(), claim.Document.Principals.Order());
        Assert.Equal(
            document with
            {
                Metadata = claim.Document.Metadata,
                Principals = claim.Document.Principals,
            },
            claim.Document
        );
        Assert.InRange(claim.ExpiresAt, before + Hour, await Store.ReadClockAsync(Token) + Hour);
    }

    [Fact]
    public async Task A_collection_has_its_own_queue()
    {
        await AddDueAsync("a", -Hour);
        foreach (var other in new[] { new CollectionKey("default", "other"), new("other", "default") })
        {
            Assert.Empty(await Queue.ClaimAsync(other, "a", 9, Hour, cancellationToken: Token));
        }

        Assert.Single(await ClaimAsync("a"));
    }

    [Fact]
    public async Task What_was_pushed_is_due_at_once()
    {
        var now = await Store.ReadClockAsync(Token);
        await Store.Inbox.EnqueueAsync(
            CollectionKey.Default,
            new SourceDocument { ExternalId = "a.md", Name = "a.md" },
            new string('0', 64),
            Token
        );
        if (now < Time.GetUtcNow())
        {
            await Store.ShiftClockAsync(Time.GetUtcNow() - now, Token);
        }

        var claim = Assert.Single(await ClaimAsync("a"));
        Assert.Equal(("inbox", "a.md", DocumentState.Pending), (claim.Source, claim.Document.Name, claim.Entry.State));
    }

    [Fact]
    public async Task An_expired_claim_may_be_claimed_by_anybody_and_its_worker_is_refused()
    {
        await AddDueAsync("a", -Hour);
        var late = Assert.Single(await ClaimAsync("late"));
        await Store.ShiftClockAsync(Hour, Token);

        var taken = Assert.Single(await ClaimAsync("next"));
        Assert.True(taken.FencingToken > late.FencingToken);
        await AssertRefusedAsync(late);

        await Store.Documents.PublishAsync(Publication(taken, "by the next one"), Token);
        Assert.Equal("by the next one", await Corpus.TextAsync(Corpus.Id("a")));
        await AssertRefusedAsync(late);
        await AssertRefusedAsync(taken);
    }

    /// <summary>It did not act in time. That nobody else has come yet does not make the work its own again.</summary>
    [Fact]
    public async Task A_worker_that_wakes_after_its_end_is_refused_also_when_nobody_came()
    {
        await AddDueAsync("a", -Hour);
        var late = Assert.Single(await ClaimAsync("late"));
        await Store.ShiftClockAsync(Hour, Token);

        await AssertRefusedAsync(late);
        Assert.Single(await ClaimAsync("late"));
        await AssertRefusedAsync(late);
    }

    [Fact]
    public async Task A_renewed_claim_is_held_on()
    {
        await AddDueAsync("a", -Hour);
        await AddDueAsync("b", -Hour);
        var claims = await ClaimAsync("a");
        await Store.ShiftClockAsync(Hour / 2, Token);
        await Queue.ReturnAsync([claims[1]], Token);

        var renewed = Assert.Single(await Queue.RenewAsync(claims, Hour, Token));

        Assert.True(renewed.ExpiresAt > claims[0].ExpiresAt);
        Assert.Equal(claims[0] with { ExpiresAt = renewed.ExpiresAt }, renewed);
        await Store.ShiftClockAsync(Hour / 2, Token);
        Assert.Equal(Names([claims[1]]), Names(await ClaimAsync("b")));
        await Store.Documents.PublishAsync(Publication(claims[0], "text"), Token);
    }

    [Fact]
    public async Task A_lost_claim_stays_lost_beside_a_new_one_of_the_same_owner()
    {
        await AddDueAsync("a", -Hour);
        var lost = Assert.Single(await ClaimAsync("a"));
        await Store.ShiftClockAsync(2 * Hour, Token);
        var claim = Assert.Single(await ClaimAsync("a"));

        Assert.Equal(
            claim.FencingToken,
            Assert.Single(await Queue.RenewAsync([lost, claim], Hour, Token)).FencingToken
        );
        Assert.Equal(
            [false, true],
            await Store.Documents.NoteUnchangedAsync([(lost, Corpus.SeenAt), (claim, Corpus.SeenAt)], Token)
        );
    }

    [Fact]
    public async Task What_is_given_back_is_due_as_before()
    {
        await AddDueAsync("a", -Hour);
        var before = await Corpus.LedgerAsync("a");
        var claim = Assert.Single(await ClaimAsync("a"));

        Assert.Equal(1, await Queue.ReturnAsync([claim], Token));
        Assert.Equal(0, await Queue.ReturnAsync([claim], Token));

        Assert.Equal(before, await Corpus.LedgerAsync("a"));
        await AssertRefusedAsync(claim);
        Assert.Single(await ClaimAsync("b"));
    }

    [Fact]
    public async Task A_claim_ends_with_the_work_whoever_does_it()
    {
        var collection = CollectionKey.Default;
        await AddDueAsync("published", -Hour);
        await AddDueAsync("failed", -Hour);
        var seen = await Corpus.PublishAsync("seen", "text");
        await AddDueAsync("seen", -Hour);
        await AddDueAsync("deleted", -Hour);
        var claims = (await ClaimAsync("a")).ToDictionary(claim => claim.Document.Name);

        await Corpus.PublishAsync("published", "without a claim");
        await AddDueAsync("failed", -Hour);
        await Store.Documents.MarkSeenAsync(
            collection,
            Corpus.Source,
            [(seen, Corpus.Document("seen"), Corpus.SeenAt)],
            Token
        );
        await Corpus.DeleteAsync("deleted");
        await AddDueAsync("deleted", -Hour);

        foreach (var claim in claims.Values)
        {
            await AssertRefusedAsync(claim);
        }

        Assert.Equal(["deleted", "failed"], Names(await ClaimAsync("a")).Order());
        foreach (var claim in claims.Values)
        {
            await AssertRefusedAsync(claim); // also where the same owner has the same document once more
        }
    }

    [Fact]
    public async Task What_is_as_it_was_is_noted_under_the_claim_and_ends_it()
    {
        await Corpus.PublishAsync("a", "text");
        await AddDueAsync("a", -Hour);
        await AddDueAsync("b", -Hour);
        var claims = (await ClaimAsync("worker")).ToDictionary(claim => claim.Document.Name);
        await Corpus.DeleteAsync("b");

        Assert.Equal(
            [false, true],
            await Store.Documents.NoteUnchangedAsync(
                [(claims["b"], Corpus.SeenAt), (claims["a"], Corpus.SeenAt)],
                Token
            )
        );

        Assert.Equal(DocumentState.Published, Assert.Single(await Corpus.LedgerAsync()).State);
        await AssertRefusedAsync(claims["a"]);
    }

    [Fact]
    public async Task Pushing_anew_takes_the_work_from_whoever_has_it()
    {
        var document = new SourceDocument { ExternalId = "a.md", Name = "a.md" };
        await Store.Inbox.EnqueueAsync(CollectionKey.Default, document, new string('0', 64), Token);
        await Store.ShiftClockAsync(Hour, Token);
        if (await Store.ReadClockAsync(Token) < Time.GetUtcNow())
        {
            await Store.ShiftClockAsync(Time.GetUtcNow() - await Store.ReadClockAsync(Token), Token);
        }

        var claim = Assert.Single(await ClaimAsync("a"));
        await Store.Inbox.EnqueueAsync(CollectionKey.Default, document, new string('1', 64), Token);

        await AssertRefusedAsync(claim);
    }

    [Fact]
    public async Task A_claim_publishes_its_own_document_only()
    {
        await AddDueAsync("a", -Hour);
        await AddDueAsync("b", -Hour);
        var claims = await ClaimAsync("a");

        await Assert.ThrowsAsync<ClaimLostException>(async () =>
            await Store.Documents.PublishAsync(Publication(claims[0], "text") with { Claim = claims[1] }, Token)
        );
    }

    [Fact]
    public async Task A_failure_under_a_claim_ends_it_and_says_when_it_is_due_again()
    {
        await AddDueAsync("a", -Hour);
        var claim = Assert.Single(await ClaimAsync("a"));
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure("a") with
            {
                Claim = claim,
                NextActionAt = await Store.ReadClockAsync(Token) + Hour,
            },
            Token
        );

        Assert.Equal(2, (await Corpus.LedgerAsync("a")).Attempts);
        Assert.Empty(await ClaimAsync("b"));
        await Store.ShiftClockAsync(Hour, Token);
        Assert.Single(await ClaimAsync("b"));
    }

    [Theory]
    [InlineData(" ", 1, 60)]
    [InlineData("a", 0, 60)]
    [InlineData("a", 1, 0)]
    public async Task What_is_no_claim_is_refused(string owner, int count, int seconds) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await Queue.ClaimAsync(
                CollectionKey.Default,
                owner,
                count,
                TimeSpan.FromSeconds(seconds),
                cancellationToken: Token
            )
        );

    /// <summary>Eight workers in two processes empty a queue; every document is done once.</summary>
    [Fact]
    public async Task Eight_workers_share_a_queue_and_do_nothing_twice()
    {
        const int Documents = 60;
        await using var other = await Store.ReopenAsync(Token);
        for (var i = 0; i < Documents; i++)
        {
            await AddDueAsync("d" + i, -Hour);
        }

        var done = new ConcurrentBag<string>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(() => WorkAsync(worker), Token)));

        Assert.Equal(Documents, done.Count);
        Assert.Equal(Documents, done.Distinct().Count());
        Assert.All(await Corpus.LedgerAsync(), entry => Assert.Equal(1, entry.Version));

        async Task WorkAsync(int worker)
        {
            var store = worker % 2 == 0 ? Store : other;
            while (done.Count < Documents)
            {
                var claims = await store.Queue.ClaimAsync(
                    CollectionKey.Default,
                    "worker " + worker,
                    3,
                    Hour,
                    cancellationToken: Token
                );
                foreach (var claim in claims)
                {
                    await store.Documents.PublishAsync(Publication(claim, "by " + worker), Token);
                    done.Add(claim.Document.Name);
                }
            }
        }
    }

    private ValueTask<IReadOnlyList<DocumentClaim>> ClaimAsync(string owner, int count = 9) =>
        Queue.ClaimAsync(CollectionKey.Default, owner, count, Hour, cancellationToken: Token);

    /// <summary>A document that failed and is due at a time by the database's clock, to the hour: what ties shall tie.</summary>
    private async Task AddDueAsync(string name, TimeSpan fromNow)
    {
        var now = await Store.ReadClockAsync(Token);
        await AddAsync(
            name,
            now - TimeSpan.FromTicks(now.Ticks % TimeSpan.TicksPerHour) + fromNow,
            CollectionKey.Default
        );
    }

    private ValueTask AddAsync(string name, DateTimeOffset due, CollectionKey collection) =>
        Store.Documents.RecordFailureAsync(
            Corpus.Failure(name) with
            {
                Collection = collection,
                NextActionAt = due,
            },
            Token
        );

    private static DocumentPublication Publication(DocumentClaim claim, string text) =>
        Corpus.Publication(claim.Document.Name, text) with
        {
            Source = claim.Source,
            Claim = claim,
            DocumentId = claim.Entry.DocumentId,
            BaseVersion = claim.Entry.Version,
        };

    private async Task AssertRefusedAsync(DocumentClaim claim)
    {
        var before = await Corpus.LedgerAsync();
        // Whether it names the document's id or its place, and however new the version is that it says.
        foreach (var (id, version) in new[] { (claim.Entry.DocumentId, claim.Entry.Version), (null, 1), (null, 0) })
        {
            var error = await Assert.ThrowsAnyAsync<SlipwayException>(async () =>
                await Store.Documents.PublishAsync(
                    Publication(claim, "too late") with
                    {
                        DocumentId = id,
                        BaseVersion = version,
                    },
                    Token
                )
            );
            Assert.True(error is ClaimLostException || (id is not null && error is PublicationConflictException));
            Assert.Equal(ErrorClass.Transient, error.Class);
        }

        await Assert.ThrowsAsync<ClaimLostException>(async () =>
            await Store.Documents.RecordFailureAsync(
                Corpus.Failure(claim.Document.Name) with
                {
                    Source = claim.Source,
                    Claim = claim,
                },
                Token
            )
        );
        Assert.Equal([false], await Store.Documents.NoteUnchangedAsync([(claim, Corpus.SeenAt)], Token));
        Assert.Empty(await Queue.RenewAsync([claim], Hour, Token));
        Assert.Equal(0, await Queue.ReturnAsync([claim], Token));
        Assert.Equal(
            before.OrderBy(entry => entry.DocumentId),
            (await Corpus.LedgerAsync()).OrderBy(entry => entry.DocumentId)
        );
    }

    private static IEnumerable<string> Names(IEnumerable<DocumentClaim> claims) =>
        claims.Select(claim => claim.Document.Name);
}
