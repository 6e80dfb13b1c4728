using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>What must hold after each call that took effect, whoever made it and however late.</summary>
internal sealed class StoreInvariants(
    StoreFixture store,
    SimulatedSource source,
    SimulatedClock clock,
    IngestionOptions options
)
{
    private readonly ClaimBook _claims = new(clock);
    private readonly Dictionary<string, (string Place, int Write)> _answers = [];
    private StoreView _before = StoreView.Empty;

    public Payments Payments { get; } = new(options.EmbeddingBatchSize);

    public bool AllowsMassDelete { get; set; }

    /// <param name="worker">Who made the call.</param>
    /// <param name="call">As it was made.</param>
    /// <param name="outcome">What became of it.</param>
    /// <param name="step">Counts the calls.</param>
    /// <exception cref="SimulationException">Something does not hold.</exception>
    public async Task CheckAsync(SimulatedWorker worker, GatedCall call, Outcome outcome, int step)
    {
        var published = new Dictionary<string, int>();
        var gone = Array.Empty<string>();
        if (outcome.Error is null)
        {
            switch (call.Name, call.Arguments[0])
            {
                case ("source.list", _):
                    var listing = (Listing)outcome.Result!;
                    worker.Memory.Listing = listing.Fails ? null : listing;
                    worker.Memory.Known = [.. _before.Documents.Values.Select(one => one.Info.ExternalId)];
                    return;
                case ("model.embed", List<string> texts):
                    Payments.Pay(worker, texts);
                    return;
                case ("IDocumentStore.FindEmbeddedAsync", _):
                    worker.Memory.Ask((IEnumerable<string>)call.Arguments[1]!, step);
                    return;
                case ("IDocumentStore.SaveEmbeddingsAsync", _):
                    var kept = (IReadOnlyList<(string Hash, ReadOnlyMemory<float>)>)call.Arguments[1]!;
                    Payments.Keep(worker, kept.Select(one => one.Hash), step);
                    return;
                case ("ILeaseStore.AcquireAsync", _) when outcome.Result is Lease lease:
                    _claims.Grant(lease);
                    return;
                case ("ILeaseStore.RenewAsync", _) when outcome.Result is Lease lease:
                    _claims.Renew(lease);
                    return;
                case ("ILeaseStore.ReleaseAsync", Lease lease):
                    _claims.Return(lease);
                    return;
                case ("IDocumentQueue.ClaimAsync", _):
                    _claims.Grant((IReadOnlyList<DocumentClaim>)outcome.Result!);
                    return;
                case ("IDocumentQueue.RenewAsync", _):
                    _claims.Renew((IReadOnlyList<DocumentClaim>)outcome.Result!);
                    return;
                case ("IDocumentQueue.ReturnAsync", IReadOnlyCollection<DocumentClaim> claims):
                    _claims.Return(claims);
                    return;
                case ("IDocumentQueue.ApplyAsync", PlannedChanges plan):
                    CheckPlan(worker, plan);
                    gone = [.. plan.Gone];
                    break;
                case ("IDocumentStore.PublishBatchAsync", IReadOnlyList<DocumentPublication> publications):
                    var versions = (IReadOnlyList<(string DocumentId, int Version)?>)outcome.Result!;
                    foreach (var (publication, version) in publications.Zip(versions))
                    {
                        if (version is var (id, number))
                        {
                            _claims.Use(publication.Claim, "published");
                            published.Add(id, number);
                        }
                    }

                    break;
                case ("IDocumentStore.RecordFailureAsync", DocumentFailure failure):
                    _claims.Use(failure.Claim, "failed");
                    break;
                case ("IDocumentStore.NoteUnchangedAsync", IReadOnlyList<(DocumentClaim Claim, DateTimeOffset)> seen):
                    foreach (var (one, isNoted) in seen.Zip((IReadOnlyList<bool>)outcome.Result!))
                    {
                        if (isNoted)
                        {
                            _claims.Use(one.Claim, "noted");
                        }
                    }

                    break;
                case ("ISearchIndex.MergeAsync", _) when outcome.Result is not 0:
                    break;
                default:
                    return;
            }
        }

        var after = await StoreView.ReadAsync(store);
        CheckDocuments(after);
        CheckChange(after, published, gone);
        _before = after;
        if (outcome.Error is null && call.Arguments[0] is PlannedChanges { Due: var due })
        {
            var places = due.Select(document => document.ExternalId).ToHashSet();
            foreach (var (id, _) in after.Documents.Where(one => places.Contains(one.Value.Info.ExternalId)))
            {
                _claims.End(id);
            }
        }
    }

    /// <summary>By its planner alone, and nothing is deleted that is there, may be there, or went with too many others.</summary>
    private void CheckPlan(SimulatedWorker worker, PlannedChanges plan)
    {
        _claims.Use(plan.Planner);
        var memory = worker.Memory;
        var listing = memory.Listing ?? throw new SimulationException("A plan was written without a whole listing.");
        memory.Moved += plan.Moved.Count;
        foreach (var (id, _, _) in plan.Moved)
        {
            _claims.End(id);
        }

        foreach (var id in plan.Gone)
        {
            _claims.End(id);
            if (_before.Documents.TryGetValue(id, out var document) && !listing.Misses(document.Info.ExternalId))
            {
                throw new SimulationException(
                    $"{document.Info.ExternalId} was deleted; its source has it, or may have it."
                );
            }
        }

        var missed = memory.Known.Count(listing.Misses) - memory.Moved;
        var limit = Math.Max(options.DeleteGuardMinimum, (int)(options.MaxDeleteShare * memory.Known.Count));
        if (plan.Gone.Count > 0 && missed > limit && !AllowsMassDelete)
        {
            throw new SimulationException(
                $"{missed} of {memory.Known.Count} documents vanished, and some were deleted."
            );
        }
    }

    /// <summary>Whatever is not done has a next action, and what answers is what its source had at some time.</summary>
    private void CheckDocuments(StoreView after)
    {
        foreach (var (info, text) in after.Documents.Values)
        {
            if (
                (info.State is DocumentState.Pending or DocumentState.Failed) != info.NextActionAt is not null
                || (info.State == DocumentState.Published && info.Version == 0)
            )
            {
                throw new SimulationException(
                    $"{info.Name} is {info.State} in version {info.Version}; its next action is {info.NextActionAt:T}."
                );
            }

            if (info.Attempts > options.MaxAttempts - (info.State == DocumentState.Failed ? 1 : 0))
            {
                throw new SimulationException($"{info.Name} is {info.State} after {info.Attempts} attempts.");
            }

            if (text is not null && source.FindWrite(info.ExternalId, text) is null)
            {
                throw new SimulationException($"{info.Name} answers with what it never said: '{text}'.");
            }
        }
    }

    private void CheckChange(StoreView after, Dictionary<string, int> published, string[] gone)
    {
        foreach (var (id, old) in _before.Documents)
        {
            if (!after.Documents.TryGetValue(id, out var now))
            {
                if (!gone.Contains(id))
                {
                    throw new SimulationException($"{old.Info.Name} is lost.");
                }
            }
            else if (now.Info.Version == old.Info.Version)
            {
                if (now.Text != old.Text)
                {
                    throw new SimulationException($"{old.Info.Name} changed within version {old.Info.Version}.");
                }
            }
            else if (now.Info.Version != old.Info.Version + 1 || !published.ContainsKey(id))
            {
                throw new SimulationException(
                    $"{old.Info.Name} went from version {old.Info.Version} to {now.Info.Version}; nobody published that."
                );
            }
        }

        foreach (var (id, version) in published)
        {
            if (!_before.Documents.ContainsKey(id) || after.Documents.GetValueOrDefault(id)?.Info.Version != version)
            {
                throw new SimulationException($"Version {version} of {id} was published, and is not there.");
            }

            CheckIsNewer(id, after.Documents[id]);
        }

        if (after.Documents.Any(one => one.Value.Info.Version > 0 && !_before.Documents.ContainsKey(one.Key)))
        {
            throw new SimulationException("A document was published that was never due.");
        }
    }

    /// <summary>Who is late may have read what is older than what answers.</summary>
    private void CheckIsNewer(string id, StoredDocument now)
    {
        var (place, write) = (now.Info.ExternalId, source.FindWrite(now.Info.ExternalId, now.Text!)!.Value);
        if (_answers.TryGetValue(id, out var old) && old.Place == place && old.Write > write)
        {
            throw new SimulationException($"{place} went back to '{now.Text}'.");
        }

        _answers[id] = (place, write);
    }
}
