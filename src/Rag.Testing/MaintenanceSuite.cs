using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentMaintenance"/>: what an operator sees and does.</summary>
public abstract partial class MaintenanceSuite(OpenStore open) : StoreSuite(open)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private IDocumentMaintenance Maintenance => Store.Maintenance;

    [Theory]
    [InlineData(DocumentState.Failed)]
    [InlineData(DocumentState.Quarantined)]
    [InlineData(DocumentState.Skipped)]
    public async Task A_document_that_rests_is_due_at_once_and_its_version_goes_on_answering(DocumentState state)
    {
        var id = await Corpus.PublishAsync("a.md", "boiler");
        await FailAsync("a.md", state);
        await FailAsync("b.md", state);
        Assert.Empty(Plan(await Corpus.LedgerAsync()).Work);

        Assert.Equal(1, await Maintenance.RetryAsync(CollectionKey.Default, [id, "nothing"], Token));

        var entry = await Corpus.LedgerAsync("a.md");
        Assert.Equal(
            (DocumentState.Pending, 1, 0, (DateTimeOffset?)Time.GetUtcNow()),
            (entry.State, entry.Version, entry.Attempts, entry.NextActionAt)
        );
        Assert.Equal(["a.md"], Plan(await Corpus.LedgerAsync()).Work.Select(work => work.Document.Name));
        Assert.Equal(id, Assert.Single(await Corpus.SearchAsync("boiler")).DocumentId);
        Assert.Equal(state, (await Corpus.LedgerAsync("b.md")).State);
    }

    [Fact]
    public async Task All_that_failed_or_is_in_quarantine_is_due_at_once_and_nothing_else()
    {
        await Corpus.PublishAsync("published.md", "boiler");
        await FailAsync("failed.md", DocumentState.Failed);
        await FailAsync("quarantined.md", DocumentState.Quarantined);
        await FailAsync("skipped.md", DocumentState.Skipped);
        foreach (var other in new[] { new CollectionKey("default", "other"), new("other", "default") })
        {
            Assert.Equal(0, await Maintenance.RetryAllAsync(other, Token));
            Assert.Equal(0, await Maintenance.RetryAsync(other, [Corpus.Id("failed.md")], Token));
        }

        Assert.Equal(2, await Maintenance.RetryAllAsync(CollectionKey.Default, Token));

        Assert.Equal(
            ["failed.md", "quarantined.md"],
            (await Corpus.LedgerAsync())
                .Where(entry => entry.State == DocumentState.Pending)
                .Select(entry => entry.ExternalId)
                .Order()
        );
    }

    [Fact]
    public async Task What_a_living_worker_holds_is_left_alone_and_what_a_dead_one_held_is_not()
    {
        await FailAsync("a.md", DocumentState.Failed, await Store.ReadClockAsync(Token) - Hour);
        var claim = Assert.Single(
            await Store.Queue.ClaimAsync(CollectionKey.Default, "worker", 9, Hour, cancellationToken: Token)
        );
        Assert.Equal(0, await Maintenance.RetryAllAsync(CollectionKey.Default, Token));
        Assert.Equal(0, await Maintenance.RetryAsync(CollectionKey.Default, [claim.Entry.DocumentId], Token));
        Assert.Single(await Store.Queue.RenewAsync([claim], Hour, Token));

        await Store.ShiftClockAsync(2 * Hour, Token);

        Assert.Equal(1, await Maintenance.RetryAllAsync(CollectionKey.Default, Token));
        Assert.Null((await ExplainAsync("a.md"))!.Owner);
    }

    [Fact]
    public async Task A_worker_that_waits_for_pushed_documents_is_woken_by_a_retry()
    {
        await FailAsync("a.md", DocumentState.Quarantined);
        using var changes = await Store.Changes.SubscribeAsync(ChangeTopic.Collection("default", "default"), Token);

        await Maintenance.RetryAllAsync(CollectionKey.Default, Token);

        // The store's clock stands still, so the limit is one of real time.
        Assert.True(await changes.WaitAsync(Hour, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token));
    }

    [Fact]
    public async Task An_explanation_says_what_is_known_and_shows_the_last_attempts_first()
    {
        await FailAsync("a.md", DocumentState.Failed);
        await Corpus.PublishAsync("a.md", "boiler");
        await Store.Documents.RecordFailureAsync(
            Corpus.Failure("a.md", DocumentState.Quarantined) with
            {
                Error = "it is broken",
            },
            Token
        );

        var explanation = (await ExplainAsync("a.md"))!;

        var document = explanation.Document;
        Assert.Equal((Corpus.Id("a.md"), Corpus.Source, "a.md"), (document.Id, document.Source, document.ExternalId));
        Assert.Equal((DocumentState.Quarantined, 1, 1), (document.State, document.Version, document.Attempts));
        Assert.Equal(("it is broken", ErrorClass.Permanent), (document.Error, document.ErrorClass));
        Assert.Equal((null, null, false), (explanation.Owner, explanation.ClaimedUntil as object, explanation.IsHeld));
        Assert.Equal((Time.GetUtcNow(), (DateTimeOffset?)Corpus.SeenAt), (explanation.CreatedAt, explanation.SeenAt));
        Assert.Equal(["quarantined", "published", "failed"], explanation.Attempts.Select(attempt => attempt.Outcome));
        Assert.Equal(
            new IngestionAttempt
            {
                StartedAt = Corpus.SeenAt,
                Duration = TimeSpan.FromMilliseconds(250),
                Outcome = "quarantined",
                ErrorClass = ErrorClass.Permanent,
                Error = "it is broken",
            },
            explanation.Attempts[0]
        );
        Assert.Equal(
            explanation.Attempts.Take(2),
            (await Maintenance.ExplainAsync(CollectionKey.Default, document.Id, 2, Token))!.Attempts
        );
        Assert.Null(await Maintenance.ExplainAsync(new CollectionKey("other", "default"), document.Id, 10, Token));
        Assert.Null(await Maintenance.ExplainAsync(CollectionKey.Default, "nothing\0", 10, Token));
    }

    [Fact]
    public async Task An_explanation_says_who_holds_a_document_and_until_when()
    {
        await FailAsync("a.md", DocumentState.Failed, await Store.ReadClockAsync(Token) - Hour);
        var claim = Assert.Single(
            await Store.Queue.ClaimAsync(CollectionKey.Default, "worker", 9, Hour, cancellationToken: Token)
        );

        var held = (await ExplainAsync("a.md"))!;
        await Store.ShiftClockAsync(2 * Hour, Token);
        var lost = (await ExplainAsync("a.md"))!;

        Assert.Equal(("worker", true, claim.ExpiresAt), (held.Owner, held.IsHeld, held.ClaimedUntil));
        Assert.Equal(("worker", false, claim.ExpiresAt), (lost.Owner, lost.IsHeld, lost.ClaimedUntil));
    }

    [Fact]
    public async Task A_document_is_found_by_id_external_id_or_name()
    {
        var document = Corpus.Document("folder/a.md", "user:nobody") with { ExternalId = "file-1" };
        var id = await Corpus.PublishAsync(Corpus.Publication("a", "boiler") with { Document = document });
        var other = await Corpus.PublishAsync(
            Corpus.Publication("b", "pump") with
            {
                Source = "other",
                Document = document with { ExternalId = "file-2" },
            }
        );

        foreach (var known in new[] { id, "file-1" })
        {
            Assert.Equal(id, Assert.Single(await Maintenance.FindAsync(CollectionKey.Default, known, null, Token)).Id);
        }

        Assert.Equal(
            new[] { id, other }.Order(StringComparer.Ordinal),
            (await Maintenance.FindAsync(CollectionKey.Default, "folder/a.md", null, Token)).Select(found => found.Id)
        );
        Assert.Equal(
            other,
            Assert.Single(await Maintenance.FindAsync(CollectionKey.Default, "folder/a.md", "other", Token)).Id
        );
        Assert.Empty(await Maintenance.FindAsync(CollectionKey.Default, "file-1", "other\0", Token));
        Assert.Empty(await Maintenance.FindAsync(CollectionKey.Default, "a.md", null, Token));
        Assert.Empty(await Maintenance.FindAsync(new CollectionKey("default", "other"), id, null, Token));
    }

    [Fact]
    public async Task Whatever_happens_to_documents_nothing_is_stuck()
    {
        await Corpus.PublishAsync("published.md", "boiler");
        await FailAsync("failed.md", DocumentState.Failed);
        await FailAsync("quarantined.md", DocumentState.Quarantined);
        await FailAsync("skipped.md", DocumentState.Skipped);
        await FailAsync("retried.md", DocumentState.Quarantined);
        await Maintenance.RetryAsync(CollectionKey.Default, [Corpus.Id("retried.md")], Token);
        await Store.Inbox.EnqueueAsync(
            CollectionKey.Default,
            new SourceDocument { ExternalId = "pushed.md", Name = "pushed.md" },
            new string('0', 64),
            Token
        );

        Assert.Empty(await Maintenance.FindStuckAsync(CollectionKey.Default, null, Token));
    }

    [Fact]
    public async Task What_is_never_tried_again_or_waits_for_too_long_is_stuck()
    {
        var now = await Store.ReadClockAsync(Token);
        await FailAsync("overdue.md", DocumentState.Failed, now - (3 * Hour));
        await FailAsync("due.md", DocumentState.Failed, now - Hour);
        await Store.Documents.RecordFailureAsync(Corpus.Failure("forgotten.md") with { NextActionAt = null }, Token);

        var stuck = await Maintenance.FindStuckAsync(CollectionKey.Default, 2 * Hour, Token);

        Assert.Equal(
            new[]
            {
                new StuckDocument(
                    Corpus.Id("overdue.md"),
                    Corpus.Source,
                    "overdue.md",
                    DocumentState.Failed,
                    StuckReason.Overdue
                ),
                new StuckDocument(
                    Corpus.Id("forgotten.md"),
                    Corpus.Source,
                    "forgotten.md",
                    DocumentState.Failed,
                    StuckReason.NoNextAction
                ),
            }.OrderBy(document => document.DocumentId, StringComparer.Ordinal),
            stuck
        );
        Assert.Empty(await Maintenance.FindStuckAsync(new CollectionKey("default", "other"), 2 * Hour, Token));

        // A worker is at it.
        await Store.Queue.ClaimAsync(CollectionKey.Default, "worker", 9, Hour, cancellationToken: Token);
        stuck = await Maintenance.FindStuckAsync(CollectionKey.Default, 2 * Hour, Token);
        Assert.Equal(["forgotten.md"], stuck.Select(document => document.Name));
    }

    private ValueTask FailAsync(string name, DocumentState state, DateTimeOffset? due = null) =>
        Store.Documents.RecordFailureAsync(
            Corpus.Failure(name, state) with
            {
                NextActionAt = state == DocumentState.Failed ? due ?? Time.GetUtcNow().AddDays(2) : null,
            },
            Token
        );

    private ValueTask<DocumentExplanation?> ExplainAsync(string name) =>
        Maintenance.ExplainAsync(CollectionKey.Default, Corpus.Id(name), 10, Token);

    /// <summary>The next run's, if the files have not changed.</summary>
    private IngestionPlan Plan(IReadOnlyCollection<LedgerEntry> ledger) =>
        IngestionPlan.Make(
            [.. ledger.Select(entry => Corpus.Document(entry.ExternalId))],
            ledger,
            "pipeline/1",
            Time.GetUtcNow()
        );
}
