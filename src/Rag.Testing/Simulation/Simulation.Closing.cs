using System.Globalization;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

// The end: nothing goes wrong any more, and everything becomes what it would have been if nothing ever had.
internal sealed partial class Simulation
{
    /// <summary>Longer than anything is held or rests.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromHours(1);

    private async Task CloseAsync()
    {
        Note("the faults end");
        _source.IsTruthful = true;
        _faults.Ended = true;
        if (_random.Next(2) == 0)
        {
            await FinishAsync();
        }

        _workers.ForEach(worker => worker.Kill());
        _invariants.AllowsMassDelete = true;
        await AdvanceAsync(Rest);
        // The operator's part: what was given up is tried again, and a mass deletion is confirmed.
        await _store.Maintenance.RetryAllAsync(CollectionKey.Default);
        var last = await BearAsync(_options with { AllowMassDelete = true });
        for (var run = 0; run < 2; run++)
        {
            await RunAsync(last);
            await AdvanceAsync(Rest);
        }

        await CheckNothingIsLeftAsync(last);
        await CheckEqualAsync();
    }

    private async Task FinishAsync()
    {
        for (var steps = 0; _workers.Exists(worker => !worker.IsDead && !worker.IsIdle); steps++)
        {
            if (steps == 5_000)
            {
                throw new SimulationException("Nothing goes wrong any more, and the workers do not finish.");
            }

            await StepAsync();
        }
    }

    /// <summary>From its gate through a run to its next one.</summary>
    private async Task RunAsync(SimulatedWorker worker)
    {
        do
        {
            foreach (var call in worker.Parked)
            {
                _step++;
                await PlayAsync(call, Fault.None);
            }
        } while (!worker.IsIdle);

        if (worker.LastReport is null)
        {
            throw new SimulationException("A run failed, and nothing was wrong.");
        }
    }

    private async Task CheckNothingIsLeftAsync(SimulatedWorker worker)
    {
        var paid = _invariants.Payments.Count;
        var calls = _trace.Count;
        await RunAsync(worker);
        if (
            _invariants.Payments.Count != paid
            || _trace.Skip(calls).Any(line => line.Contains("source.open") || line.Contains("ApplyAsync"))
            || worker.LastReport is not { Errors.Count: 0, Added: 0, Changed: 0, Moved: 0, Deleted: 0 }
        )
        {
            throw new SimulationException("Everything was done, and a further run did something.");
        }
    }

    /// <summary>
    /// The same content as the source, and in some histories as a store that took in the source once when all was over: a database costs
    /// as much as half a history.
    /// </summary>
    private async Task CheckEqualAsync()
    {
        var actual = await DescribeAsync(_store);
        CheckEqual(DescribeSource(), actual);
        if (_random.Next(8) > 0)
        {
            return;
        }

        await using var fresh = await _open(_clock, CancellationToken.None);
        await FollowClockAsync(fresh);
        var worker = new SimulatedWorker(0, fresh, _source, _clock, _options);
        do
        {
            foreach (var call in worker.Parked)
            {
                worker.Take(call);
                call.Deliver(await call.TakeEffectAsync());
                await worker.SettleAsync();
            }
        } while (!worker.IsIdle);

        CheckEqual(await DescribeAsync(fresh), actual);
    }

    private static void CheckEqual(string expected, string actual)
    {
        if (expected != actual)
        {
            throw new SimulationException($"In the end the store holds\n{actual}\nand should hold\n{expected}");
        }
    }

    private string DescribeSource() =>
        string.Join(
            '\n',
            _source
                .Documents.Select(document =>
                    Describe(
                        document.Id,
                        DocumentTitle.FromName(document.Id),
                        document.State,
                        document.Bytes.Length,
                        document.ModifiedAt,
                        document.Text
                    )
                )
                .Append(Describe(strays: 0, unembedded: 0))
        );

    private static async Task<string> DescribeAsync(StoreFixture store)
    {
        var view = await StoreView.ReadAsync(store);
        var lines = new List<string>();
        foreach (var (info, text) in view.Documents.Values.OrderBy(one => one.Info.ExternalId, StringComparer.Ordinal))
        {
            lines.Add(Describe(info.Name, info.Title, info.State, info.Size, info.ModifiedAt, text));
            var stored = await store.Documents.ReadTextAsync(Principal.Local, info.Id);
            if (info.ExternalId != info.Name || stored?.Text != text)
            {
                throw new SimulationException($"{info.ExternalId} is called {info.Name} and reads '{stored?.Text}'.");
            }
        }

        var chunks = view.Documents.Values.Sum(one => one.Info.Version > 0 ? one.Info.Chunks : 0);
        await using var snapshot = await store.Search.OpenSnapshotAsync(CollectionKey.Default, Principal.Local);
        var vectors = await snapshot.SearchVectorsAsync(SimulatedEmbedder.Model, new float[] { 1, 0, 0, 0 }, 1000);
        var counted = await store.CountAsync(StoredKind.Chunks, CancellationToken.None);
        lines.Add(Describe(counted - chunks, chunks - vectors.Count));
        return string.Join('\n', lines);
    }

    /// <summary>What was given up may go on answering with what it said before, which a fresh store does not know.</summary>
    private static string Describe(
        string name,
        string title,
        DocumentState state,
        long? size,
        DateTimeOffset? modifiedAt,
        string? text
    ) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name} {state} {size} {modifiedAt:O} {(state == DocumentState.Published ? $"'{title}' '{text}'" : "")}"
        );

    private static string Describe(long strays, long unembedded) =>
        string.Create(CultureInfo.InvariantCulture, $"{strays} chunks of nobody, {unembedded} without an embedding");
}
