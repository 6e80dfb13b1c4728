using System.Globalization;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>
/// One history of a source that changes, of processes that ingest it side by side, and of everything that befalls them; all of it drawn
/// from a seed. One thing happens at a time: the scheduler lets one worker go on from its gate to its next one.
/// </summary>
internal sealed partial class Simulation
{
    private const int Steps = 120;

    private readonly OpenStore _open;
    private readonly StoreFixture _store;
    private readonly Random _random;
    private readonly SimulatedClock _clock;
    private readonly SimulatedSource _source;
    private readonly Faults _faults;
    private readonly StoreInvariants _invariants;
    private readonly Sabotage _sabotage;
    private readonly IngestionOptions _options;
    private readonly List<SimulatedWorker> _workers = [];
    private readonly List<StoreFixture> _connections = [];
    private readonly List<string> _trace = [];
    private readonly bool _apart;
    private int _step;
    private int _born;

    private Simulation(int seed, OpenStore open, StoreFixture store, SimulatedClock clock, Sabotage sabotage)
    {
        (_open, _store, _clock, _sabotage) = (open, store, clock, sabotage);
        _random = new Random(seed);
        _source = new SimulatedSource(clock, _random);
        _faults = new Faults(_random);
        _options = new IngestionOptions
        {
            MaxConcurrency = 1, // one flow: what a worker does next depends on nothing but the seed
            EmbeddingBatchSize = 2,
            ClaimedAtOnce = _random.Next(1, 5),
            MaxAttempts = 4,
            MergeAfter = 2,
            DeleteGuardMinimum = 0,
            ClaimDuration = TimeSpan.FromMinutes(1),
            PlannerLease = TimeSpan.FromSeconds(30),
            RetryDelay = TimeSpan.FromSeconds(10),
            MaxRetryDelay = TimeSpan.FromMinutes(2),
        };
        _apart = _random.Next(8) == 0;
        _invariants = new StoreInvariants(store, _source, clock, _options with { });
        _options.AllowMassDelete = sabotage == Sabotage.NoDeleteGuard;
    }

    private string Trace => string.Join('\n', _trace);

    private List<SimulatedWorker> Awake =>
        [.. _workers.Where(worker => !worker.IsDead && worker.WakesAt <= _clock.GetUtcNow())];

    /// <summary>Lives through the history of a seed.</summary>
    /// <returns>Its trace: the same for the same seed.</returns>
    /// <exception cref="SimulationException">An invariant does not hold; with seed and trace.</exception>
    public static Task<string> RunAsync(
        int seed,
        OpenStore open,
        Sabotage sabotage,
        CancellationToken cancellationToken
    ) =>
        // Not in the context of a test: whoever is let go on must go on at once, on the thread of the scheduler.
        Task.Run(() => RunHereAsync(seed, open, sabotage, cancellationToken), cancellationToken);

    private static async Task<string> RunHereAsync(
        int seed,
        OpenStore open,
        Sabotage sabotage,
        CancellationToken cancellationToken
    )
    {
        var clock = new SimulatedClock(new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero));
        await using var store = await open(clock, cancellationToken);
        var simulation = new Simulation(seed, open, store, clock, sabotage);
        try
        {
            await simulation.LiveAsync();
            await simulation.CloseAsync();
            return simulation.Trace;
        }
        catch (SimulationException exception)
        {
            throw new SimulationException(
                $"{exception.Message}\nSeed {seed}; to see it alone, set {SimulationSuite.SeedVariable}={seed}.\n{simulation.Trace}"
            );
        }
        finally
        {
            foreach (var connection in simulation._connections)
            {
                await connection.DisposeAsync();
            }
        }
    }

    private async Task LiveAsync()
    {
        await FollowClockAsync(_store);
        for (var documents = _random.Next(2, 6); documents > 0; documents--)
        {
            Change();
        }

        var workers = _random.Next(2, 4);
        while (_step < Steps)
        {
            if (_workers.Count(worker => !worker.IsDead) < workers && _random.Next(4) == 0)
            {
                await BearAsync(_options);
            }

            if (_random.Next(18) == 0)
            {
                Change();
            }

            await StepAsync();
        }
    }

    /// <summary>A new process, with connections of its own in some histories: what one keeps in memory must not matter to another.</summary>
    private async Task<SimulatedWorker> BearAsync(IngestionOptions options)
    {
        var store = _store;
        if (_apart)
        {
            store = await _store.ReopenAsync(CancellationToken.None);
            _connections.Add(store);
        }

        var worker = new SimulatedWorker(++_born, store, _source, _clock, options);
        _workers.Add(worker);
        Note($"w{worker.Number} starts");
        return worker;
    }

    private void Change()
    {
        _clock.MoveTo(_clock.GetUtcNow().AddMilliseconds(1));
        Note(_source.Change());
    }

    /// <summary>One call of one worker goes on.</summary>
    private async Task StepAsync()
    {
        _step++;
        var ready = Awake
            .SelectMany(worker => worker.Parked)
            .Where(call => !_faults.Ended || call.Name != SimulatedWorker.Begin)
            .ToList();
        if (ready.Count == 0)
        {
            var asleep = _workers.Where(worker => !worker.IsDead && worker.WakesAt > _clock.GetUtcNow()).ToList();
            await AdvanceAsync(
                asleep.Count == 0 ? TimeSpan.FromSeconds(1) : asleep.Min(one => one.WakesAt) - _clock.GetUtcNow()
            );
            return;
        }

        var call = ready[_random.Next(ready.Count)];
        var fault = _faults.Strike(call);
        if (fault == Fault.PauseBefore)
        {
            Pause(call);
            return;
        }

        // Who has just woken may go on before its timers notice how late it is.
        if (_random.Next(3) > 0)
        {
            await AdvanceAsync(_faults.Duration(call));
        }

        await PlayAsync(call, fault);
    }

    private async Task PlayAsync(ParkedCall call, Fault fault)
    {
        var worker = call.Worker;
        if (!worker.Parked.Contains(call))
        {
            return; // it was given up while time passed
        }

        if (fault == Fault.CrashBefore)
        {
            Note(call, fault);
            worker.Kill();
            return;
        }

        var outcome = call.Held ?? (fault == Fault.Refused ? new Outcome(null, _faults.Error()) : await ActAsync(call));
        Note(call, fault, outcome);
        call.Held = outcome;
        switch (fault)
        {
            case Fault.Late:
                return;
            case Fault.PauseAfter:
                Pause(call);
                return;
            case Fault.CrashAfter:
                worker.Kill();
                return;
            case Fault.LostReply when outcome.Error is null:
                outcome = new Outcome(null, _faults.Error());
                break;
        }

        if (outcome.Error is not null && call.Name is "model.embed" or "IDocumentStore.SaveEmbeddingsAsync")
        {
            worker.Memory.Unsaved.Clear(); // the batch in flight is lost
        }

        worker.Take(call);
        call.Deliver(outcome);
        await worker.SettleAsync();
    }

    /// <summary>The call takes effect, and everything must hold.</summary>
    private async Task<Outcome> ActAsync(ParkedCall call)
    {
        var asked = call.Call with { Arguments = [.. call.Call.Arguments] };
        _sabotage.Tamper(call.Call);
        var outcome = await call.TakeEffectAsync();
        if (asked.Arguments.Length > 0)
        {
            await _invariants.CheckAsync(call.Worker, asked, outcome, _step);
        }

        return outcome;
    }

    private void Pause(ParkedCall call)
    {
        var pause = _faults.Pause();
        call.Worker.WakesAt = _clock.GetUtcNow() + pause;
        Note($"w{call.Worker.Number} stands still at {call.Name} for {pause.TotalSeconds} s");
    }

    /// <summary>Time passes: the timers of whoever is awake fire in their order, and what they ask for happens at once.</summary>
    private async Task AdvanceAsync(TimeSpan by)
    {
        var end = _clock.GetUtcNow() + by;
        while (Awake.Where(worker => worker.Clock.NextDue <= end).MinBy(worker => worker.Clock.NextDue) is { } next)
        {
            _clock.MoveTo(next.Clock.NextDue!.Value);
            await FollowClockAsync(_store);
            next.Clock.Fire();
            await next.SettleAsync();
            foreach (var renewal in next.Parked.Where(call => call.IsRenewal && call.Held is null))
            {
                await PlayAsync(renewal, _faults.Strike(renewal));
            }
        }

        _clock.MoveTo(end);
        await FollowClockAsync(_store);
    }

    /// <summary>A store that has a clock of its own is set by ours.</summary>
    private async Task FollowClockAsync(StoreFixture store)
    {
        var behind = _clock.GetUtcNow() - await store.ReadClockAsync(CancellationToken.None);
        if (behind != TimeSpan.Zero)
        {
            await store.ShiftClockAsync(behind, CancellationToken.None);
        }
    }

    private void Note(ParkedCall call, Fault fault, Outcome? outcome = null) =>
        Note(
            $"w{call.Worker.Number} {call.Name}{(fault == Fault.None ? "" : $" [{fault}]")}"
                + $"{(call.Held is null ? "" : " (late)")}{(outcome is { } known ? " -> " + Describe(known) : "")}"
        );

    private void Note(string what) =>
        _trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_step, 4} {_clock.GetUtcNow():HH:mm:ss.fff} {what}"));

    private static string Describe(Outcome outcome) =>
        outcome switch
        {
            { Error: { } error } => error.GetType().Name,
            { Result: IReadOnlyList<DocumentClaim> claims } => string.Join(
                ' ',
                claims.Select(claim => claim.Document.Name)
            ),
            { Result: IReadOnlyList<(string DocumentId, int Version)?> versions } => string.Join(
                ' ',
                versions.Select(version => version?.ToString() ?? "refused")
            ),
            { Result: Listing listing } => $"{listing.Items.Count} {listing.What}",
            { Result: Lease } => "held",
            { Result: int or bool or null } => string.Create(
                CultureInfo.InvariantCulture,
                $"{outcome.Result ?? "nothing"}"
            ),
            _ => "",
        };
}
