using Slipway.Internal;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

// The planner: who lists a source, and what it writes.
public sealed partial class IngestionPipeline
{
    /// <summary>Changes in one transaction: the next planner waits so long at most, and a crash repeats no more than that.</summary>
    private const int AppliedAtOnce = 500;

    /// <summary>One process plans a source at a time; for the others this does nothing.</summary>
    private async ValueTask PlanAndApplyAsync(IngestionRun run, CancellationToken cancellationToken)
    {
        var name = $"plan {run.Collection.Tenant}/{run.Collection.Collection}/{run.Source.Name}";
        var planner = await AcquireAsync(name, run.Owner, cancellationToken).ConfigureAwait(false);
        if (planner is null)
        {
            LogPlannedElsewhere(run.Source.Name);
            return;
        }

        await using (planner.ConfigureAwait(false))
        {
            var plan = await PlanAsync(run.Source, run.Collection, cancellationToken).ConfigureAwait(false);
            run.Begin(plan);
            try
            {
                await ApplyAsync(run, plan, planner.Lease, cancellationToken).ConfigureAwait(false);
            }
            catch (LeaseLostException)
            {
                LogPlanLost(run.Source.Name);
            }
        }
    }

    private async ValueTask<LeaseHandle?> AcquireAsync(string name, string owner, CancellationToken cancellationToken)
    {
        if (await TryAsync().ConfigureAwait(false) is { } lease)
        {
            return lease;
        }

        // A process of this host that was killed will not come back.
        var leases = await _leases.ListAsync(cancellationToken).ConfigureAwait(false);
        if (
            leases.FirstOrDefault(held => held.Name == name) is not { } held
            || !ProcessIdentity.Current.IsGone(held.Owner)
        )
        {
            return null;
        }

        await _leases.ReleaseAsync(held, cancellationToken).ConfigureAwait(false);
        return await TryAsync().ConfigureAwait(false);

        ValueTask<LeaseHandle?> TryAsync() =>
            LeaseHandle.AcquireAsync(_leases, name, owner, _options.PlannerLease, _time, cancellationToken);
    }

    /// <summary>Deletes before all new work: what is gone must not be found while thousands of new documents are read.</summary>
    private async ValueTask ApplyAsync(
        IngestionRun run,
        IngestionPlan plan,
        Lease planner,
        CancellationToken cancellationToken
    )
    {
        var changes = new PlannedChanges
        {
            Collection = run.Collection,
            Source = run.Source.Name,
            Planner = planner,
        };
        foreach (var moved in plan.Moved.Chunk(AppliedAtOnce))
        {
            await _queue
                .ApplyAsync(
                    changes with
                    {
                        Moved = [.. moved.Select(one => (one.Entry.DocumentId, one.Document, one.SeenAt))],
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            run.CountMoved(moved.Length);
        }

        foreach (var gone in plan.Gone.Chunk(AppliedAtOnce))
        {
            run.CountDeleted(
                await _queue
                    .ApplyAsync(changes with { Gone = [.. gone.Select(entry => entry.DocumentId)] }, cancellationToken)
                    .ConfigureAwait(false)
            );
        }

        foreach (var due in plan.Work.Where(item => !item.IsDue).Chunk(AppliedAtOnce))
        {
            await _queue
                .ApplyAsync(changes with { Due = [.. due.Select(item => item.Document)] }, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>A new document with the content of one that is gone is that one, at another place.</summary>
    private async ValueTask<IngestionPlan> FindMovedAsync(
        IDocumentSource source,
        IngestionPlan plan,
        CancellationToken cancellationToken
    )
    {
        var gone = plan
            .Gone.Where(entry => entry.State == DocumentState.Published && entry.PipelineFingerprint == Fingerprint)
            .ToList();
        var sizes = gone.Select(entry => entry.Size).ToHashSet();
        var moved = new List<MovedDocument>();
        foreach (
            var item in plan.Work.Where(item => item.Reason == PlanReason.New && sizes.Contains(item.Document.Size))
        )
        {
            if (
                await HashAsync(source, item.Document, cancellationToken).ConfigureAwait(false)
                is not var (hash, seenAt)
            )
            {
                continue;
            }

            if (gone.FindIndex(entry => entry.ContentHash == hash) is var found and >= 0)
            {
                moved.Add(new MovedDocument(item.Document, gone[found], seenAt));
                gone.RemoveAt(found);
            }
        }

        return plan.WithMoved(moved, _options);
    }

    /// <summary>Null when it cannot be read: whoever works on it finds out why.</summary>
    private async ValueTask<(string Hash, DateTimeOffset SeenAt)?> HashAsync(
        IDocumentSource source,
        SourceDocument document,
        CancellationToken cancellationToken
    )
    {
        try
        {
            using var content = await OpenAsync(source, document, cancellationToken).ConfigureAwait(false);
            return (content.Hash, content.ReadAt);
        }
        catch (Exception exception) when (IsDocumentError(exception, cancellationToken))
        {
            return null;
        }
    }
}
