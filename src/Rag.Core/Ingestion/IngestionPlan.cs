using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>What a run will do: the listing held against the ledger. Making it changes nothing.</summary>
public sealed record IngestionPlan
{
    /// <summary>Documents to look at: new ones, and those whose size, time or pipeline changed, or whose retry is due.</summary>
    public required IReadOnlyList<PlannedDocument> Work { get; init; }

    /// <summary>Documents that are gone and cannot have been moved: no new one has their size.</summary>
    public required IReadOnlyList<LedgerEntry> Gone { get; init; }

    /// <summary>Documents that are gone while a new one has their size: moved, if the content is the same.</summary>
    public required IReadOnlyList<LedgerEntry> PossiblyMoved { get; init; }

    /// <summary>How many documents may be deleted in one run, see <see cref="IngestionOptions.MaxDeleteShare"/>.</summary>
    public required int DeleteLimit { get; init; }

    /// <summary>Documents that need nothing.</summary>
    public required int Unchanged { get; init; }

    /// <summary>Documents that failed before and rest: in quarantine, unsupported, or waiting for their retry.</summary>
    public required int Resting { get; init; }

    /// <summary>What could not be listed.</summary>
    public required IReadOnlyList<SourceGap> Gaps { get; init; }

    /// <summary>Compares a listing with the ledger.</summary>
    /// <param name="listing">Everything that the source listed.</param>
    /// <param name="ledger">Everything known of that source.</param>
    /// <param name="pipelineFingerprint">Fingerprint of readers, chunker and model.</param>
    /// <param name="now">The time of the plan.</param>
    /// <param name="options">The delete guard.</param>
    public static IngestionPlan Make(
        IReadOnlyCollection<SourceItem> listing,
        IReadOnlyCollection<LedgerEntry> ledger,
        string pipelineFingerprint,
        DateTimeOffset now,
        IngestionOptions options
    )
    {
        var known = ledger.ToDictionary(entry => entry.ExternalId, StringComparer.Ordinal);
        var gaps = listing.OfType<SourceGap>().ToList();
        var work = new List<PlannedDocument>();
        var unchanged = 0;
        var resting = 0;
        foreach (var document in listing.OfType<SourceDocument>())
        {
            known.Remove(document.ExternalId, out var entry);
            if (entry is null || NeedsLook(document, entry, pipelineFingerprint, now))
            {
                work.Add(new PlannedDocument(document, entry));
            }
            else if (entry.State == DocumentState.Published)
            {
                unchanged++;
            }
            else
            {
                resting++;
            }
        }

        var newSizes = work.Where(item => item.Entry is null).Select(item => item.Document.Size).ToHashSet();
        var gone = known
            .Values.Where(entry =>
                !gaps.Exists(gap => entry.ExternalId.StartsWith(gap.Prefix, StringComparison.Ordinal))
            )
            .ToLookup(entry => newSizes.Contains(entry.Size));
        return new IngestionPlan
        {
            Work = work,
            Gone = [.. gone[false]],
            PossiblyMoved = [.. gone[true]],
            DeleteLimit = options.AllowMassDelete
                ? int.MaxValue
                : Math.Max(options.DeleteGuardMinimum, (int)(options.MaxDeleteShare * ledger.Count)),
            Unchanged = unchanged,
            Resting = resting,
            Gaps = gaps,
        };
    }

    private static bool NeedsLook(
        SourceDocument document,
        LedgerEntry entry,
        string pipelineFingerprint,
        DateTimeOffset now
    ) =>
        entry.State == DocumentState.Pending
        || entry.PipelineFingerprint != pipelineFingerprint
        || entry.Size != document.Size
        || entry.ModifiedAt != document.ModifiedAt
        || (entry.State == DocumentState.Failed && entry.NextActionAt <= now)
        || (entry.State == DocumentState.Published && MayHaveChangedUnseen(entry));

    /// <summary>
    /// A file that was written around the time of the last look may have been written once more within the same tick of the file
    /// system's clock (up to 2 s on some); its bytes are compared once more.
    /// </summary>
    private static bool MayHaveChangedUnseen(LedgerEntry entry) =>
        entry.ModifiedAt is null || entry.SeenAt is null || entry.ModifiedAt >= entry.SeenAt - TimeSpan.FromSeconds(2);
}

/// <summary>A document to look at.</summary>
/// <param name="Document">As listed.</param>
/// <param name="Entry">As known; null for a new one.</param>
public sealed record PlannedDocument(SourceDocument Document, LedgerEntry? Entry);
