using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Tests;

/// <summary>Workers as real processes that are killed, or stopped and woken late.</summary>
public abstract class WorkerProcessTests : IAsyncLifetime
{
    private static readonly Principal Anyone = new("default", "anyone");

    private WorkerDatabase? _database;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected WorkerDatabase Database => _database ?? throw new InvalidOperationException("The test has not begun.");

    public async ValueTask InitializeAsync() => _database = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_a_killed_process_held_is_free_when_its_time_is_over_and_not_before()
    {
        var id = await AddDueAsync();
        using var worker = WorkerProcess.Start(Database.Address, "killed");
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Lease));
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Claim));

        await worker.KillAsync();

        Assert.Null(await Database.Leases.AcquireAsync("planner", "next", WorkerProgram.Duration, Token));
        Assert.Null(await WorkerProgram.ClaimAsync(Database, "next"));
        await Database.ShiftClockAsync(WorkerProgram.Duration);
        Assert.NotNull(await Database.Leases.AcquireAsync("planner", "next", WorkerProgram.Duration, Token));
        var claim = await WorkerProgram.ClaimAsync(Database, "next");
        Assert.NotNull(claim);
        Assert.Equal("published", await WorkerProgram.PublishAsync(Database, claim));
        Assert.Equal("next", (await Database.Documents.ReadTextAsync(Anyone, id, Token))!.Text);
    }

    [Fact]
    public async Task A_process_that_was_stopped_for_longer_than_its_claim_changes_nothing_when_it_wakes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGSTOP.");
        var id = await AddDueAsync();
        using var worker = WorkerProcess.Start(Database.Address, "late");
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Lease));
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Claim));
        await worker.StopAsync();
        await worker.TellAsync(WorkerProgram.Publish);
        await worker.TellAsync(WorkerProgram.Renew);
        await Database.ShiftClockAsync(2 * WorkerProgram.Duration);
        Assert.NotNull(await Database.Leases.AcquireAsync("planner", "next", WorkerProgram.Duration, Token));
        var claim = (await WorkerProgram.ClaimAsync(Database, "next"))!;

        await worker.ContinueAsync();

        Assert.Equal(nameof(ClaimLostException), await worker.AnswerAsync());
        Assert.Equal(WorkerProgram.Lost, await worker.AnswerAsync());
        Assert.Equal(0, (await Database.Documents.FindAsync(Anyone, id, Token))!.Version);
        Assert.Equal("published", await WorkerProgram.PublishAsync(Database, claim));
        Assert.Equal("next", (await Database.Documents.ReadTextAsync(Anyone, id, Token))!.Text);
    }

    protected abstract Task<WorkerDatabase> OpenAsync();

    /// <summary>A document that has been due for long.</summary>
    protected async Task<string> AddDueAsync()
    {
        var document = new SourceDocument { ExternalId = "a.txt", Name = "a.txt" };
        await Database.Documents.RecordFailureAsync(
            new DocumentFailure
            {
                Collection = CollectionKey.Default,
                Source = "test",
                Document = document,
                State = DocumentState.Failed,
                ErrorClass = ErrorClass.Transient,
                Error = "it did not work",
                PipelineFingerprint = "pipeline/1",
                SeenAt = DateTimeOffset.UnixEpoch,
                NextActionAt = DateTimeOffset.UnixEpoch,
            },
            Token
        );
        return DocumentId.Derive(CollectionKey.Default, "test", document.ExternalId);
    }
}
