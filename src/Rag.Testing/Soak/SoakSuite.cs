namespace Slipway.Rag.Testing;

/// <summary>Ingest, delete, merge and search side by side, by two processes: no half document, no wrong count, no deadlock.</summary>
public abstract class SoakSuite(OpenStore open) : StoreSuite(open)
{
    // Stores may wait for each other; they must not wait for a clock that stands still.
    private protected override TimeProvider Clock => TimeProvider.System;

    [Fact]
    public Task Everything_side_by_side_for_three_seconds() => RunAsync(TimeSpan.FromSeconds(3));

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task Everything_side_by_side_for_twenty_seconds() => RunAsync(TimeSpan.FromSeconds(20));

    /// <summary>How many deadlocks the engine has resolved in this database.</summary>
    protected virtual Task<long> CountDeadlocksAsync() => Task.FromResult(0L);

    private async Task RunAsync(TimeSpan duration)
    {
        await using var other = await Store.ReopenAsync(Token);
        var run = new SoakRun([(Store.Documents, Store.Search), (other.Documents, other.Search)], names: 60, seed: 1);
        var report = await run.RunAsync(duration, Token);
        string[] works = ["publish", "delete", "merge", "search words", "search vectors", "recount"];
        Assert.All(works, work => Assert.NotEqual(0, report.Count(work)));
        Assert.Equal(0, await CountDeadlocksAsync());
    }
}
