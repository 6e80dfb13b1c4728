namespace Slipway.Rag.Benchmarks;

/// <summary>What a piece of work takes of the process's memory, above what the process had just before it after a full collection.</summary>
/// <param name="Seconds">How long it took.</param>
/// <param name="Allocated">Bytes allocated, collected or not.</param>
/// <param name="Managed">Most managed bytes at a time, above those before.</param>
/// <param name="Resident">Most resident bytes at a time, above those before.</param>
/// <param name="Peak">Most resident bytes of the process at a time.</param>
/// <param name="Processor">Seconds that the process's threads ran.</param>
internal readonly record struct MemoryWatch(
    double Seconds,
    long Allocated,
    long Managed,
    long Resident,
    long Peak,
    double Processor
)
{
    /// <summary>Short enough to see the top of a peak; reading the figures takes microseconds.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(2);

    public static async Task<MemoryWatch> MeasureAsync(Func<Task> work)
    {
        // Gives free memory back to the system, so that it counts when it is taken again.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        var (managed, resident) = (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
        var (mostManaged, mostResident) = (managed, resident);
        using var done = new ManualResetEventSlim();
        var sampling = new Thread(() =>
        {
            do
            {
                mostManaged = Math.Max(mostManaged, GC.GetTotalMemory(forceFullCollection: false));
                mostResident = Math.Max(mostResident, Environment.WorkingSet);
            } while (!done.Wait(Interval));
        });
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var processor = Environment.CpuUsage.TotalTime;
        var start = TimeProvider.System.GetTimestamp();
        sampling.Start();
        await work();
        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        done.Set();
        sampling.Join();
        return new MemoryWatch(
            seconds,
            GC.GetTotalAllocatedBytes(precise: true) - allocated,
            mostManaged - managed,
            mostResident - resident,
            mostResident,
            (Environment.CpuUsage.TotalTime - processor).TotalSeconds
        );
    }
}
