using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentQueue.ApplyAsync"/>: what a planner writes, at once or not at all.</summary>
public abstract class PlanSuite(OpenStore open) : StoreSuite(open)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static readonly PlannedChanges Nothing = new()
    {
        Collection = CollectionKey.Default,
        Source = Corpus.Source,
    };

    [Fact]
    public async Task What_is_new_is_due_at_once_with_all_that_its_source_says()
    {
        var document = Corpus.Document("a.bin", "user:anna") with
        {
            MediaType = "text/markdown",
            Title = "Given",
            Uri = "https://example.com/a",
            Metadata = new Dictionary<string, string> { ["author"] = "Ada" },
        };

        Assert.Equal(0, await ApplyAsync(Nothing with { Due = [document, Corpus.Document("b")] }));

        var claim = (await ClaimAsync()).Single(one => one.Document.Name == "a.bin");
        Assert.Equal((DocumentState.Pending, 0, 0), (claim.Entry.State, claim.Entry.Version, claim.Entry.Attempts));
        Assert.Equal(document.Metadata, claim.Document.Metadata);
        Assert.Equal(document.Principals, claim.Document.Principals);
        Assert.Equal(
            document with
            {
                Metadata = claim.Document.Metadata,
                Principals = claim.Document.Principals,
            },
            claim.Document
        );
    }

    [Fact]
    public async Task What_changed_answers_as_before_until_it_is_published_and_its_worker_begins_anew()
    {
        await Corpus.PublishAsync("a", "boiler");
        await ApplyAsync(Nothing with { Due = [Corpus.Document("a") with { Size = 1 }] });
        var early = Assert.Single(await ClaimAsync());

        await ApplyAsync(Nothing with { Due = [Corpus.Document("a") with { Size = 2 }] });

        Assert.Equal(["a"], (await Corpus.SearchAsync("boiler")).Select(hit => "a"));
        Assert.Equal("boiler", await Corpus.TextAsync(Corpus.Id("a")));
        await Assert.ThrowsAsync<ClaimLostException>(async () =>
            await Store.Documents.PublishAsync(Publication(early, "pump"), Token)
        );
        var late = Assert.Single(await ClaimAsync());
        Assert.Equal((2L, 1), (late.Document.Size, late.Entry.Version));
        Assert.Equal(2, (await Store.Documents.PublishAsync(Publication(late, "pump"), Token)).Version);
        Assert.Empty(await ClaimAsync());
    }

    [Fact]
    public async Task Failures_of_an_earlier_content_are_forgotten()
    {
        await Store.Documents.RecordFailureAsync(Corpus.Failure("a", DocumentState.Quarantined), Token);

        await ApplyAsync(Nothing with { Due = [Corpus.Document("a")] });

        var document = Assert.Single(await Corpus.ListAsync());
        Assert.Equal((DocumentState.Pending, 0, null), (document.State, document.Attempts, document.Error));
        Assert.Single(await ClaimAsync());
    }

    [Fact]
    public async Task What_is_gone_is_deleted_and_what_moved_is_found_at_its_new_place()
    {
        var moved = await Corpus.PublishAsync("old", "boiler");
        var gone = await Corpus.PublishAsync("gone", "boiler");

        var deleted = await ApplyAsync(
            Nothing with
            {
                Gone = [gone, "no such document"],
                Moved = [(moved, Corpus.Document("new"), Corpus.SeenAt)],
                Due = [Corpus.Document("old")], // its old place is free again
            }
        );

        Assert.Equal(1, deleted);
        Assert.Equal(["new", "old"], (await Corpus.ListAsync()).Select(document => document.Name).Order());
        Assert.Equal(moved, (await Corpus.LedgerAsync("new")).DocumentId);
        Assert.Equal(moved, Assert.Single(await Corpus.SearchAsync("boiler")).DocumentId);
        Assert.NotEqual(moved, Assert.Single(await ClaimAsync()).Entry.DocumentId);
    }

    [Theory]
    [InlineData("expired")]
    [InlineData("released")]
    [InlineData("taken")]
    public async Task A_planner_that_lost_its_lease_changes_nothing(string how)
    {
        var gone = await Corpus.PublishAsync("gone", "boiler");
        var lease = (await Store.Leases.AcquireAsync("plan", "late", Hour, Token))!;
        var plan = Nothing with { Planner = lease, Due = [Corpus.Document("new")], Gone = [gone] };
        if (how == "released")
        {
            await Store.Leases.ReleaseAsync(lease, Token);
        }
        else
        {
            await Store.ShiftClockAsync(Hour, Token);
        }

        if (how == "taken")
        {
            await Store.Leases.AcquireAsync("plan", "next", Hour, Token);
        }

        var error = await Assert.ThrowsAsync<LeaseLostException>(() => ApplyAsync(plan));

        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains("late", error.Message, StringComparison.Ordinal);
        Assert.Equal(["gone"], (await Corpus.ListAsync()).Select(document => document.Name));
        Assert.Empty(await ClaimAsync());
    }

    [Fact]
    public async Task A_planner_that_holds_its_lease_may_write()
    {
        var lease = (await Store.Leases.AcquireAsync("plan", "planner", Hour, Token))!;

        await ApplyAsync(Nothing with { Planner = lease, Due = [Corpus.Document("new")] });

        Assert.Single(await ClaimAsync());
    }

    [Fact]
    public async Task Only_the_documents_of_a_source_are_claimed_by_its_workers()
    {
        await ApplyAsync(Nothing with { Due = [Corpus.Document("a")] });
        await ApplyAsync(Nothing with { Source = "other", Due = [Corpus.Document("b")] });

        Assert.Empty(await ClaimAsync("none"));
        Assert.Equal("b", Assert.Single(await ClaimAsync("other")).Document.Name);
        Assert.Equal("a", Assert.Single(await ClaimAsync(null)).Document.Name);
    }

    private async Task<int> ApplyAsync(PlannedChanges plan) => await Store.Queue.ApplyAsync(plan, Token);

    /// <summary>All that is due, by both clocks.</summary>
    private async Task<IReadOnlyList<DocumentClaim>> ClaimAsync(string? source = Corpus.Source) =>
        await Store.Queue.ClaimAsync(CollectionKey.Default, "worker", 9, Hour, source, Token);

    private static DocumentPublication Publication(DocumentClaim claim, string text) =>
        Corpus.Publication(claim.Document.Name, text) with
        {
            Document = claim.Document,
            Claim = claim,
            DocumentId = claim.Entry.DocumentId,
            BaseVersion = claim.Entry.Version,
        };
}
