using System.IO.Hashing;
using System.Runtime.InteropServices;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>
/// Compares a listing with the ledger while both go by: first all that is known, then all that is listed, then once more what is known, if
/// <see cref="IsAnythingGone"/>. Of a document that needs nothing it keeps some fifty bytes.
/// </summary>
/// <param name="pipelineFingerprint">Fingerprint of readers and chunker.</param>
/// <param name="now">The time of the plan.</param>
internal sealed class IngestionPlanner(string pipelineFingerprint, DateTimeOffset now)
{
    /// <summary>
    /// A file that was written around the time of the last look may have been written once more within the same tick of the file
    /// system's clock (up to 2 s on some); its bytes are compared once more.
    /// </summary>
    private static readonly TimeSpan ClockTick = TimeSpan.FromSeconds(2);

    // By a hash of their ids, with a seed of its own for each plan: nobody can name two files so that one is taken for the other.
    private readonly long _seed = Random.Shared.NextInt64();
    private readonly Dictionary<UInt128, Known> _known = [];
    private readonly List<PlannedDocument> _work = [];
    private readonly List<LedgerEntry> _gone = [];
    private readonly List<SourceGap> _gaps = [];
    private int _inLedger;
    private int _stillThere;
    private int _unchanged;
    private int _resting;

    /// <summary>Whether something known was not listed.</summary>
    public bool IsAnythingGone => _stillThere < _inLedger;

    public void Know(LedgerEntry entry)
    {
        var isDue = entry.State is DocumentState.Pending or DocumentState.Failed && entry.NextActionAt <= now;
        var facts =
            (entry.State == DocumentState.Published ? Facts.Published : Facts.None)
            | (isDue ? Facts.Due : Facts.None)
            | (NeedsLook(entry) || (isDue && entry.State == DocumentState.Failed) ? Facts.NeedsLook : Facts.None)
            | (
                entry.Attempts > 0 ? Facts.Retry
                : entry.Version == 0 ? Facts.Waiting
                : Facts.None
            );
        _known.Add(Key(entry.ExternalId), new Known(entry.Size, entry.ModifiedAt?.UtcTicks, facts));
        _inLedger++;
    }

    public void List(SourceItem item)
    {
        switch (item)
        {
            case SourceGap gap:
                _gaps.Add(gap);
                break;
            case SourceDocument document:
                List(document);
                break;
        }
    }

    /// <summary>What is gone is wanted whole.</summary>
    public void KnowAgain(LedgerEntry entry)
    {
        if (
            _known.TryGetValue(Key(entry.ExternalId), out var known)
            && !known.Facts.HasFlag(Facts.Listed)
            && !_gaps.Exists(gap => entry.ExternalId.StartsWith(gap.Prefix, StringComparison.Ordinal))
        )
        {
            _gone.Add(entry);
        }
    }

    public IngestionPlan Plan() =>
        new()
        {
            Work = _work,
            Gone = _gone,
            Known = _inLedger,
            Unchanged = _unchanged,
            Resting = _resting,
            Gaps = _gaps,
        };

    private void List(SourceDocument document)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(
            _known,
            Key(document.ExternalId),
            out var isKnown
        );
        if (known.Facts.HasFlag(Facts.Listed))
        {
            return;
        }

        var facts = known.Facts;
        known = known with { Facts = facts | Facts.Listed };
        if (!isKnown)
        {
            _work.Add(new PlannedDocument(document, PlanReason.New));
            return;
        }

        _stillThere++;
        var isSame = known.Size == document.Size && known.ModifiedTicks == document.ModifiedAt?.UtcTicks;
        if (!isSame || facts.HasFlag(Facts.NeedsLook))
        {
            var reason =
                facts.HasFlag(Facts.Retry) ? PlanReason.Retry
                : facts.HasFlag(Facts.Waiting) ? PlanReason.Waiting
                : PlanReason.Changed;
            _work.Add(new PlannedDocument(document, reason) { IsDue = isSame && facts.HasFlag(Facts.Due) });
        }
        else if (facts.HasFlag(Facts.Published))
        {
            _unchanged++;
        }
        else
        {
            _resting++;
        }
    }

    private bool NeedsLook(LedgerEntry entry) =>
        entry.State == DocumentState.Pending
        || entry.PipelineFingerprint != pipelineFingerprint
        || (entry.State == DocumentState.Published && MayHaveChangedUnseen(entry));

    private static bool MayHaveChangedUnseen(LedgerEntry entry) =>
        entry.ModifiedAt is null || entry.SeenAt is null || entry.ModifiedAt >= entry.SeenAt - ClockTick;

    private UInt128 Key(string externalId) =>
        XxHash128.HashToUInt128(MemoryMarshal.AsBytes(externalId.AsSpan()), _seed);

    private readonly record struct Known(long? Size, long? ModifiedTicks, Facts Facts);

    [Flags]
    private enum Facts : byte
    {
        None = 0,
        Published = 1,
        Due = 2,
        NeedsLook = 4,
        Waiting = 8,
        Retry = 16,
        Listed = 32,
    }
}
