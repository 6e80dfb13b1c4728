using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests;

public sealed class PostgresIngestionProcessTests : IngestionProcessTests
{
    protected override int Kills => 4;

    protected override Task<WorkerDatabase> OpenAsync() => PostgresWorkerDatabase.CreateAsync();
}

public sealed class PostgresIngestionCrowdTests : IngestionCrowdTests
{
    protected override Task<WorkerDatabase> OpenAsync() => PostgresWorkerDatabase.CreateAsync();
}

public sealed class PostgresTurnProcessTests : TurnProcessTests
{
    protected override Task<WorkerDatabase> OpenAsync() => PostgresWorkerDatabase.CreateAsync();
}

public sealed class PostgresWorkerProcessTests : WorkerProcessTests
{
    /// <summary>The clock is the database's, so a stopped process finds it moved on.</summary>
    [Fact]
    public async Task A_process_that_wakes_late_is_refused_also_when_nobody_took_its_work()
    {
        var id = await AddDueAsync();
        using var worker = WorkerProcess.Start(Database.Address, "late");
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Lease));
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Claim));

        await Database.ShiftClockAsync(2 * WorkerProgram.Duration);

        Assert.Equal(nameof(ClaimLostException), await worker.AskAsync(WorkerProgram.Publish));
        Assert.Equal(WorkerProgram.Lost, await worker.AskAsync(WorkerProgram.Renew));
        Assert.Equal(0, (await Database.Documents.FindAsync(new Principal("default", "anyone"), id, Token))!.Version);
        Assert.Equal("held", await worker.AskAsync(WorkerProgram.Claim));
        Assert.Equal("published", await worker.AskAsync(WorkerProgram.Publish));
    }

    protected override Task<WorkerDatabase> OpenAsync() => PostgresWorkerDatabase.CreateAsync();
}

/// <summary>A database on the server's clock, which a test shifts for every process.</summary>
internal sealed class PostgresWorkerDatabase : WorkerDatabase
{
    private readonly PostgresTestDatabase? _owned;
    private readonly PostgresDatabase _database;
    private readonly PostgresDocumentStore _documents;

    public PostgresWorkerDatabase(string connectionString, PostgresTestDatabase? owned = null)
    {
        (Address, _owned) = (connectionString, owned);
        _database = new PostgresDatabase(
            new PostgresStorageOptions { ConnectionString = connectionString },
            TimeProvider.System
        );
        _documents = new PostgresDocumentStore(_database);
        Leases = new PostgresLeaseStore(_database);
        Search = new PostgresSearchIndex(_database);
        Conversations = new PostgresConversationStore(_database);
        Turns = new PostgresTurnStore(_database);
        Tables = new PostgresStoreTables(_database, ownsDatabase: false);
    }

    public static async Task<WorkerDatabase> CreateAsync()
    {
        var database = await PostgresTestDatabase.CreateAsync();
        return new PostgresWorkerDatabase(database.ConnectionString, database);
    }

    public override string Address { get; }

    public override ILeaseStore Leases { get; }

    public override IDocumentQueue Queue => _documents;

    public override IDocumentStore Documents => _documents;

    public override ISearchIndex Search { get; }

    public override IConversationStore Conversations { get; }

    public override ITurnStore Turns { get; }

    public override IStoreTables Tables { get; }

    public override Task ShiftClockAsync(TimeSpan by) =>
        _owned?.ShiftClockAsync(by) ?? throw new InvalidOperationException("Only the test moves the clock.");

    public override async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        if (_owned is not null)
        {
            await _owned.DisposeAsync();
        }
    }
}
