using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>What a run will do: the listing held against the ledger. Making it changes nothing.</summary>
public sealed record IngestionPlan
{
    private const int BytesPerToken = 4;

    /// <summary>Documents to look at: new ones, and those whose size, time or pipeline changed, or whose retry is due.</summary>
    public required IReadOnlyList<PlannedDocument> Work { get; init; }

    /// <summary>Documents that are gone, to be deleted; none when too many are gone at once.</summary>
    public required IReadOnlyList<LedgerEntry> Gone { get; init; }

    /// <summary>Documents that stand at another place with the same content.</summary>
    public IReadOnlyList<MovedDocument> Moved { get; init; } = [];

    /// <summary>
    /// Documents that are gone and are not deleted, because more of them are gone than <see cref="IngestionOptions.MaxDeleteShare"/> lets.
    /// </summary>
    public int HeldDeletes { get; init; }

    /// <summary>Documents that were known before.</summary>
    public required int Known { get; init; }

    /// <summary>Documents that need nothing.</summary>
    public required int Unchanged { get; init; }

    /// <summary>Documents that failed before and rest: in quarantine, unsupported, or waiting for their retry.</summary>
    public required int Resting { get; init; }

    /// <summary>
    /// Tokens that embedding takes at most, estimated from the sizes of the documents to look at: four bytes a token. A changed document
    /// embeds only what changed, and a format such as PDF has far less text than bytes.
    /// </summary>
    public long EstimatedTokens => Work.Sum(item => item.Document.Size ?? 0) / BytesPerToken;

    /// <summary>What could not be listed.</summary>
    public required IReadOnlyList<SourceGap> Gaps { get; init; }

    /// <summary>Compares a listing with the ledger.</summary>
    /// <param name="listing">Everything that the source listed; of what is listed twice the first counts.</param>
    /// <param name="ledger">Everything known of that source.</param>
    /// <param name="pipelineFingerprint">Fingerprint of readers and chunker.</param>
    /// <param name="now">The time of the plan.</param>
    public static IngestionPlan Make(
        IReadOnlyCollection<SourceItem> listing,
        IReadOnlyCollection<LedgerEntry> ledger,
        string pipelineFingerprint,
        DateTimeOffset now
    )
    {
        ArgumentNullException.ThrowIfNull(listing);
        ArgumentNullException.ThrowIfNull(ledger);
        var planner = new IngestionPlanner(pipelineFingerprint, now);
        foreach (var entry in ledger)
        {
            planner.Know(entry);
        }

        foreach (var item in listing)
        {
            planner.List(item);
        }

        foreach (var entry in ledger)
        {
            planner.KnowAgain(entry);
        }

        return planner.Plan();
    }

    /// <summary>The same with what is only at another place; the rest of what is gone is held back where it is too much.</summary>
    internal IngestionPlan WithMoved(IReadOnlyList<MovedDocument> moved, IngestionOptions options)
    {
        var documents = moved.Select(one => one.Document).ToHashSet(ReferenceEqualityComparer.Instance);
        var entries = moved.Select(one => one.Entry).ToHashSet(ReferenceEqualityComparer.Instance);
        var gone = Gone.Where(entry => !entries.Contains(entry)).ToList();
        var limit = options.AllowMassDelete
            ? int.MaxValue
            : Math.Max(options.DeleteGuardMinimum, (int)(options.MaxDeleteShare * Known));
        return this with
        {
            Moved = moved,
            Work = [.. Work.Where(item => !documents.Contains(item.Document))],
            Gone = gone.Count > limit ? [] : gone,
            HeldDeletes = gone.Count > limit ? gone.Count : 0,
        };
    }
}

/// <summary>A document to look at.</summary>
/// <param name="Document">As listed.</param>
/// <param name="Reason">Why.</param>
public sealed record PlannedDocument(SourceDocument Document, PlanReason Reason)
{
    /// <summary>Whether it waits for a worker already, so that nothing must be written for it.</summary>
    public bool IsDue { get; init; }
}

/// <summary>Why a document is looked at.</summary>
public enum PlanReason
{
    /// <summary>It was never seen.</summary>
    New,

    /// <summary>It was listed before, and nobody has come to it yet.</summary>
    Waiting,

    /// <summary>Its size, time or pipeline is another one, or it was written around the time of the last look.</summary>
    Changed,

    /// <summary>It failed before.</summary>
    Retry,
}

/// <summary>A document that stands at another place with the same content.</summary>
/// <param name="Document">As listed at its new place.</param>
/// <param name="Entry">As known at its old one.</param>
/// <param name="SeenAt">When its content was compared, UTC.</param>
public sealed record MovedDocument(SourceDocument Document, LedgerEntry Entry, DateTimeOffset SeenAt);
