namespace Slipway.Tests;

/// <summary>Processes that ingest a folder together, of which one at random is killed again and again and started anew.</summary>
/// <param name="address">The database.</param>
/// <param name="folder">The source.</param>
/// <param name="workers">Processes at the same time.</param>
/// <param name="steps">Lines of all of them between two kills, at least.</param>
/// <param name="pause">Time between two kills, at least.</param>
/// <param name="seed">Who is killed.</param>
internal sealed class WorkerCrowd(string address, string folder, int workers, int steps, TimeSpan pause, int seed)
    : IDisposable
{
    /// <summary>Long enough for a worker that gets little of the machine. What a killed one held is taken over at once.</summary>
    public static readonly TimeSpan Held = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Random _random = new(seed);
    private readonly WorkerProcess?[] _running = new WorkerProcess?[workers];
    private readonly HashSet<WorkerProcess> _killed = [];
    private long _lastKill = TimeProvider.System.GetTimestamp();
    private int _steps;

    /// <summary>Processes that were killed in the middle of a run.</summary>
    public int Kills => _killed.Count;

    /// <summary>Each of them runs until it finds nothing more to do, however often it is killed on the way.</summary>
    public Task IngestAsync() => Task.WhenAll(Enumerable.Range(0, workers).Select(IngestAsync));

    public void Dispose()
    {
        foreach (var worker in _running)
        {
            worker?.Dispose();
        }
    }

    private async Task IngestAsync(int place)
    {
        while (true)
        {
            var worker = _running[place];
            if (worker is null)
            {
                worker = WorkerProcess.Start(address, "crowd");
                lock (_lock)
                {
                    _running[place] = worker;
                }
            }

            switch (await IngestAsync(worker))
            {
                case null:
                    lock (_lock)
                    {
                        Assert.Contains(worker, _killed); // else it has ended by itself, and its error stands above
                        _running[place] = null;
                    }

                    await worker.KillAsync();
                    worker.Dispose();
                    break;
                case var line when !line.StartsWith(WorkerProgram.EndedEarly, StringComparison.Ordinal):
                    Assert.EndsWith("and 0 errors", line, StringComparison.Ordinal);
                    return;
            }
        }
    }

    /// <returns>Its last line; null when it was killed meanwhile.</returns>
    private async Task<string?> IngestAsync(WorkerProcess worker)
    {
        try
        {
            await worker.TellAsync(WorkerProgram.Ingest(folder, Held));
            while (await worker.AnswerAsync() is { } line)
            {
                if (line.StartsWith("ended", StringComparison.Ordinal))
                {
                    return line;
                }

                KillSomebody();
            }
        }
        catch (IOException)
        {
            // It was killed before it was told.
        }

        return null;
    }

    private void KillSomebody()
    {
        lock (_lock)
        {
            if (++_steps < steps || TimeProvider.System.GetElapsedTime(_lastKill) < pause)
            {
                return;
            }

            if (_running.OfType<WorkerProcess>().Except(_killed).ToList() is { Count: > 0 } living)
            {
                var victim = living[_random.Next(living.Count)];
                _killed.Add(victim);
                victim.Kill();
                (_steps, _lastKill) = (0, TimeProvider.System.GetTimestamp());
            }
        }
    }
}
