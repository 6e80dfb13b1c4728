using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Tests;

/// <summary>What a worker uses of a database, in a test's process or in one that the test starts.</summary>
public abstract class WorkerDatabase : IAsyncDisposable
{
    /// <summary>A path or a connection string: another process opens the same database by it.</summary>
    public abstract string Address { get; }

    public abstract ILeaseStore Leases { get; }

    public abstract IDocumentQueue Queue { get; }

    public abstract IDocumentStore Documents { get; }

    public abstract ISearchIndex Search { get; }

    public abstract IConversationStore Conversations { get; }

    public abstract ITurnStore Turns { get; }

    public abstract IStoreTables Tables { get; }

    /// <summary>Moves the clock by which leases and claims end.</summary>
    public abstract Task ShiftClockAsync(TimeSpan by);

    public abstract ValueTask DisposeAsync();
}
