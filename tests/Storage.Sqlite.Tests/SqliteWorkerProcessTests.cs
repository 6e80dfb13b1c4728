using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests;

public sealed class SqliteIngestionProcessTests : IngestionProcessTests
{
    protected override Task<WorkerDatabase> OpenAsync() => SqliteWorkerDatabase.CreateAsync();
}

public sealed class SqliteIngestionCrowdTests : IngestionCrowdTests
{
    protected override Task<WorkerDatabase> OpenAsync() => SqliteWorkerDatabase.CreateAsync();
}

public sealed class SqliteTurnProcessTests : TurnProcessTests
{
    protected override Task<WorkerDatabase> OpenAsync() => SqliteWorkerDatabase.CreateAsync();
}

public sealed class SqliteWorkerProcessTests : WorkerProcessTests
{
    protected override Task<WorkerDatabase> OpenAsync() => SqliteWorkerDatabase.CreateAsync();
}

/// <summary>A file, on the system's clock until the test shifts it. The clock is of this process alone.</summary>
internal sealed class SqliteWorkerDatabase : WorkerDatabase
{
    private readonly ShiftedTime _time = new();
    private readonly IDisposable? _owned;
    private readonly SqliteDatabase _database;
    private readonly SqliteDocumentStore _documents;

    public SqliteWorkerDatabase(string path, IDisposable? owned = null)
    {
        (Address, _owned) = (path, owned);
        _database = new SqliteDatabase(new SqliteStorageOptions { Path = path }, _time);
        _documents = new SqliteDocumentStore(_database);
        Leases = new SqliteLeaseStore(_database);
        Search = new SqliteSearchIndex(_database);
        Conversations = new SqliteConversationStore(_database);
        Turns = new SqliteTurnStore(_database);
        Tables = new SqliteStoreTables(_database, ownsDatabase: false);
    }

    public static Task<WorkerDatabase> CreateAsync()
    {
        var folder = new TemporaryFolder();
        return Task.FromResult<WorkerDatabase>(
            new SqliteWorkerDatabase(Path.Combine(folder.Path, "slipway.db"), folder)
        );
    }

    public override string Address { get; }

    public override ILeaseStore Leases { get; }

    public override IDocumentQueue Queue => _documents;

    public override IDocumentStore Documents => _documents;

    public override ISearchIndex Search { get; }

    public override IConversationStore Conversations { get; }

    public override ITurnStore Turns { get; }

    public override IStoreTables Tables { get; }

    public override Task ShiftClockAsync(TimeSpan by)
    {
        _time.Shift(by);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _database.Dispose();
        _owned?.Dispose();
        return ValueTask.CompletedTask;
    }
}
