using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>
/// A process that ingests over and over. It waits at a gate before each call, and before each run; one that crashed waits for ever.
/// </summary>
internal sealed class SimulatedWorker : Gate
{
    /// <summary>The gate before a run.</summary>
    public const string Begin = "begin";

    private readonly Lock _lock = new();
    private readonly List<ParkedCall> _parked = [];
    private readonly IngestionPipeline _pipeline;
    private readonly WorkerSource _source;
    private TaskCompletionSource? _arrival;
    private Exception? _broken;

    public SimulatedWorker(
        int number,
        StoreFixture store,
        SimulatedSource source,
        SimulatedClock clock,
        IngestionOptions options
    )
    {
        Number = number;
        Clock = new WorkerClock(clock);
        _source = new WorkerSource(source, this);
        var own = new GatedStore(store, this);
        _pipeline = new IngestionPipeline(
            own.Documents,
            own.Queue,
            own.Leases,
            own.Search,
            ReaderSet.Default,
            new PartChunker(),
            new SimulatedEmbedder(this),
            options,
            Clock,
            NullLogger<IngestionPipeline>.Instance
        );
        _ = LiveAsync();
    }

    public int Number { get; }

    public WorkerClock Clock { get; }

    public bool IsDead { get; private set; }

    /// <summary>When a process that stands still goes on.</summary>
    public DateTimeOffset WakesAt { get; set; }

    /// <summary>What it has seen and done in this run.</summary>
    public WorkerMemory Memory { get; private set; } = new();

    public IngestionReport? LastReport { get; private set; }

    /// <summary>Whether it waits for its next run.</summary>
    public bool IsIdle => Parked is [{ Name: Begin }];

    public IReadOnlyList<ParkedCall> Parked
    {
        get
        {
            lock (_lock)
            {
                return [.. _parked];
            }
        }
    }

    public override async Task<TResult> PassAsync<TResult>(GatedCall call, Func<Task<TResult>> effect)
    {
        var parked = new ParkedCall(this, call, async () => await effect());
        lock (_lock)
        {
            if (!IsDead)
            {
                _parked.Add(parked);
                _arrival?.TrySetResult();
            }
        }

        var cancellationToken = call.Arguments is [.., CancellationToken last] ? last : default;
        await using var registration = cancellationToken.UnsafeRegister(
            (_, token) =>
            {
                if (Take(parked))
                {
                    parked.Cancel(token);
                }
            },
            null
        );
        return (TResult)(await parked.Reply)!;
    }

    /// <summary>Takes a call out of the gate.</summary>
    /// <returns>False when it has left already.</returns>
    public bool Take(ParkedCall call)
    {
        lock (_lock)
        {
            return _parked.Remove(call);
        }
    }

    /// <summary>Ends the process where it stands: none of its calls ever returns, none of its timers fires.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            IsDead = true;
            _parked.Clear();
        }
    }

    /// <summary>
    /// Completes when its work is at a gate. Mostly it is already; where the engine hops to another thread, that is waited for.
    /// </summary>
    public async Task SettleAsync()
    {
        while (true)
        {
            Task arrival;
            lock (_lock)
            {
                if (_broken is not null)
                {
                    throw new SimulationException($"Worker {Number} broke: {_broken}");
                }

                if (IsDead || _parked.Exists(call => !call.IsRenewal))
                {
                    return;
                }

                _arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                arrival = _arrival.Task;
            }

            try
            {
                await arrival.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
            }
            catch (TimeoutException)
            {
                throw new SimulationException($"Worker {Number} does nothing and calls nobody.");
            }
        }
    }

    private async Task LiveAsync()
    {
        while (true)
        {
            await PassAsync(new GatedCall(Begin), () => Task.FromResult(true));
            (Memory, LastReport) = (new WorkerMemory(), null);
            try
            {
                LastReport = await _pipeline.RunAsync(_source, CollectionKey.Default);
            }
            catch (SlipwayException exception) when (exception.Class == ErrorClass.Transient)
            {
                // It ends the run; the next one goes on.
            }
#pragma warning disable CA1031 // Whatever else it is, the engine has a fault.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                lock (_lock)
                {
                    _broken = exception;
                    _arrival?.TrySetResult();
                }

                return;
            }
        }
    }
}

/// <summary>What a worker has been told in its run.</summary>
internal sealed class WorkerMemory
{
    /// <summary>The listing of its plan; null before it, and when it failed.</summary>
    public Listing? Listing { get; set; }

    /// <summary>Documents that the store had then, by where they stand.</summary>
    public IReadOnlyCollection<string> Known { get; set; } = [];

    /// <summary>Documents that its plan moved.</summary>
    public int Moved { get; set; }

    /// <summary>When it asked last whether a chunk was embedded, by the count of steps.</summary>
    public Dictionary<string, int> Asked { get; } = [];

    /// <summary>Chunks that it has paid for and not kept yet.</summary>
    public HashSet<string> Unsaved { get; } = [];

    public void Ask(IEnumerable<string> hashes, int step)
    {
        foreach (var hash in hashes)
        {
            Asked[hash] = step;
        }
    }
}

/// <summary>An invariant does not hold.</summary>
internal sealed class SimulationException(string message) : Exception(message);
