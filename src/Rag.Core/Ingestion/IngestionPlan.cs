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
    /// <param name="listing">Everything that the source listed.</param>
    /// <param name="ledger">Everything known of that source.</param>
    /// <param name="pipelineFingerprint">Fingerprint of readers, chunker and model.</param>
    /// <param name="now">The time of the plan.</param>
    public static IngestionPlan Make(
        IReadOnlyCollection<SourceItem> listing,
        IReadOnlyCollection<LedgerEntry> ledger,
        string pipelineFingerprint,
        DateTimeOffset now
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
                work.Add(
                    new PlannedDocument(document, entry) { IsDue = entry is not null && IsDue(document, entry, now) }
                );
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

        return new IngestionPlan
        {
            Work = work,
            Gone =
            [
                .. known.Values.Where(entry =>
                    !gaps.Exists(gap => entry.ExternalId.StartsWith(gap.Prefix, StringComparison.Ordinal))
                ),
            ],
            Known = ledger.Count,
            Unchanged = unchanged,
            Resting = resting,
            Gaps = gaps,
        };
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

    /// <summary>Whether it waits for a worker already, for this content.</summary>
    private static bool IsDue(SourceDocument document, LedgerEntry entry, DateTimeOffset now) =>
        entry.State is DocumentState.Pending or DocumentState.Failed
        && entry.NextActionAt <= now
        && entry.Size == document.Size
        && entry.ModifiedAt == document.ModifiedAt;

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
public sealed record PlannedDocument(SourceDocument Document, LedgerEntry? Entry)
{
    /// <summary>Whether it waits for a worker already, so that nothing must be written for it.</summary>
    public bool IsDue { get; init; }
}

/// <summary>A document that stands at another place with the same content.</summary>
/// <param name="Document">As listed at its new place.</param>
/// <param name="Entry">As known at its old one.</param>
/// <param name="SeenAt">When its content was compared, UTC.</param>
public sealed record MovedDocument(SourceDocument Document, LedgerEntry Entry, DateTimeOffset SeenAt);
