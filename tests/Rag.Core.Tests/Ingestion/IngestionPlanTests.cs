using CsCheck;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Core.Tests.Ingestion;

[Trait("Tier", "fast")]
public sealed class IngestionPlanTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Written = Now.AddDays(-3);

    [Fact]
    [Trait("Parity", "S72")]
    public void New_changed_and_gone_documents_are_found()
    {
        var plan = Plan(
            [Listed("new"), Listed("same"), Listed("longer", size: 11)],
            [Known("same"), Known("longer"), Known("gone", size: 3)]
        );

        Assert.Equal(["new", "longer"], plan.Work.Select(item => item.Document.ExternalId));
        Assert.Equal(["gone"], plan.Gone.Select(entry => entry.ExternalId));
        Assert.Equal(1, plan.Unchanged);
    }

    [Fact]
    [Trait("Parity", "S78")]
    public void A_touched_document_is_looked_at_again()
    {
        var plan = Plan([Listed("a") with { ModifiedAt = Written.AddTicks(1) }], [Known("a")]);

        Assert.Single(plan.Work);
    }

    [Fact]
    public void A_document_written_around_the_last_look_is_looked_at_again()
    {
        var plan = Plan([Listed("a")], [Known("a") with { SeenAt = Written.AddSeconds(1) }]);

        Assert.Single(plan.Work);
    }

    [Fact]
    public void Another_pipeline_reads_everything_again()
    {
        var plan = Plan([Listed("a")], [Known("a") with { PipelineFingerprint = "older" }]);

        Assert.Single(plan.Work);
    }

    [Theory]
    [InlineData(DocumentState.Skipped)]
    [InlineData(DocumentState.Quarantined)]
    [Trait("Parity", "S75")]
    public void What_cannot_be_read_rests_until_it_changes(DocumentState state)
    {
        var entry = Known("a") with { State = state, Version = 0 };

        Assert.Empty(Plan([Listed("a")], [entry]).Work);
        Assert.Equal(1, Plan([Listed("a")], [entry]).Resting);
        Assert.Single(Plan([Listed("a", size: 11)], [entry]).Work);
    }

    [Fact]
    public void A_failed_document_is_tried_when_it_is_due()
    {
        var entry = Known("a") with { State = DocumentState.Failed, NextActionAt = Now };

        Assert.Single(Plan([Listed("a")], [entry]).Work);
        Assert.Empty(Plan([Listed("a")], [entry with { NextActionAt = Now.AddSeconds(1) }]).Work);
    }

    [Fact]
    public void Nothing_below_a_gap_is_gone()
    {
        var plan = Plan([new SourceGap("locked/", "permission denied")], [Known("locked/a"), Known("open/b")]);

        Assert.Equal(["open/b"], plan.Gone.Select(entry => entry.ExternalId));
    }

    [Fact]
    [Trait("Parity", "S76")]
    public void More_than_half_and_more_than_ten_are_not_deleted_at_once()
    {
        var options = new IngestionOptions();

        Assert.Equal((10, 0), Deletes(Plan([], Many(10)).WithMoved([], options)));
        Assert.Equal((0, 11), Deletes(Plan([], Many(11)).WithMoved([], options)));
        Assert.Equal((50, 0), Deletes(Plan([.. Many(50).Select(Listed)], Many(100)).WithMoved([], options)));
        Assert.Equal((0, 51), Deletes(Plan([.. Many(49).Select(Listed)], Many(100)).WithMoved([], options)));
        options.AllowMassDelete = true;
        Assert.Equal((100, 0), Deletes(Plan([], Many(100)).WithMoved([], options)));

        static (int, int) Deletes(IngestionPlan plan) => (plan.Gone.Count, plan.HeldDeletes);
    }

    /// <summary>Elsewhere is not gone: a folder that was renamed as a whole is no mass disappearance.</summary>
    [Fact]
    [Trait("Parity", "S76")]
    public void What_moved_is_neither_new_nor_gone()
    {
        var known = Many(20);
        var listed = known.Select(entry => Listed("new/" + entry.ExternalId)).ToList();
        var plan = Plan([.. listed], known);

        var moved = plan.WithMoved(
            [.. listed.Zip(known, (document, entry) => new MovedDocument(document, entry, Now)).Skip(5)],
            new IngestionOptions()
        );

        Assert.Equal((5, 15, 5, 0), (moved.Work.Count, moved.Moved.Count, moved.Gone.Count, moved.HeldDeletes));
    }

    [Fact]
    public void What_waits_for_a_worker_already_is_not_written_again()
    {
        var waiting = Known("a") with { State = DocumentState.Pending, NextActionAt = Now };
        var retry = Known("b") with { State = DocumentState.Failed, NextActionAt = Now };
        var forgotten = Known("c") with { State = DocumentState.Pending };

        var plan = Plan([Listed("a"), Listed("b"), Listed("c"), Listed("d")], [waiting, retry, forgotten]);
        var changed = Plan([Listed("a", size: 11)], [waiting]);

        Assert.Equal([true, true, false, false], plan.Work.Select(item => item.IsDue));
        Assert.False(Assert.Single(changed.Work).IsDue);
    }

    [Fact]
    public void It_is_said_why_a_document_is_looked_at()
    {
        var plan = Plan(
            [Listed("new"), Listed("waiting"), Listed("longer", size: 11), Listed("failed")],
            [
                Known("waiting") with
                {
                    State = DocumentState.Pending,
                    Version = 0,
                },
                Known("longer"),
                Known("failed") with
                {
                    State = DocumentState.Failed,
                    Attempts = 2,
                    NextActionAt = Now,
                },
            ]
        );

        Assert.Equal(
            [PlanReason.New, PlanReason.Waiting, PlanReason.Changed, PlanReason.Retry],
            plan.Work.Select(item => item.Reason)
        );
    }

    [Fact]
    public void What_is_listed_twice_counts_once()
    {
        var plan = Plan(
            [Listed("new"), Listed("new"), Listed("same"), Listed("same"), Listed("longer", 11), Listed("longer", 12)],
            [Known("same"), Known("longer")]
        );

        Assert.Equal([10L, 11L], plan.Work.Select(item => item.Document.Size));
        Assert.Equal(1, plan.Unchanged);
        Assert.Empty(plan.Gone);
    }

    [Fact]
    public void Every_document_has_exactly_one_place_in_the_plan() =>
        Gen.Select(Gen.Int[0, 30].Array[0, 40], Gen.Int[0, 30].Array[0, 40], Gen.Int[0, 3])
            .Sample(
                (listed, known, sizes) =>
                {
                    var listing = listed.Distinct().Select(n => Listed("d" + n, n % (sizes + 1))).ToList();
                    var ledger = known.Distinct().Select(n => Known("d" + n, n % (sizes + 1))).ToList();

                    var plan = Plan([.. listing], ledger);

                    Assert.Equal(listing.Count, plan.Work.Count + plan.Unchanged + plan.Resting);
                    Assert.Equal(
                        ledger.Count
                            - ledger.Count(entry => listing.Any(document => document.ExternalId == entry.ExternalId)),
                        plan.Gone.Count
                    );
                }
            );

    private static IngestionPlan Plan(
        IReadOnlyCollection<SourceItem> listing,
        IReadOnlyCollection<LedgerEntry> ledger
    ) => IngestionPlan.Make(listing, ledger, "pipeline", Now);

    private static List<LedgerEntry> Many(int count) => [.. Enumerable.Range(0, count).Select(n => Known("d" + n))];

    private static SourceDocument Listed(LedgerEntry entry) => Listed(entry.ExternalId);

    private static SourceDocument Listed(string id, long size = 10) =>
        new()
        {
            ExternalId = id,
            Name = id,
            Size = size,
            ModifiedAt = Written,
        };

    private static LedgerEntry Known(string id, long size = 10) =>
        new()
        {
            DocumentId = "id-" + id,
            ExternalId = id,
            State = DocumentState.Published,
            Size = size,
            ModifiedAt = Written,
            SeenAt = Written.AddHours(1),
            ContentHash = "hash-" + id,
            PipelineFingerprint = "pipeline",
            Version = 1,
        };
}
