namespace Slipway.Rag.Testing;

/// <summary>What the processes of one database share beside documents, over one fresh database.</summary>
/// <remarks>
/// The fixture that <see cref="OpenCoordination"/> gave owns the database and removes it when it is disposed; one that
/// <see cref="ReopenAsync"/> gave owns only its connections.
/// </remarks>
public abstract class CoordinationFixture : IAsyncDisposable
{
    /// <summary>Leases.</summary>
    public abstract ILeaseStore Leases { get; }

    /// <summary>Wakes who waits.</summary>
    public abstract IChangeSignal Changes { get; }

    /// <summary>The same database as another process has it: nothing in memory is shared. The caller disposes it.</summary>
    public abstract ValueTask<CoordinationFixture> ReopenAsync(CancellationToken cancellationToken);

    /// <summary>Moves the clock of leases, for every process.</summary>
    /// <param name="by">Forward, or backward when negative; added to earlier moves.</param>
    /// <param name="cancellationToken">The test's token.</param>
    public abstract ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken);

    /// <summary>Adds one to a number in the database and signals a topic, in one transaction.</summary>
    public abstract ValueTask CountUpAsync(ChangeTopic topic, CancellationToken cancellationToken);

    /// <summary>The number that <see cref="CountUpAsync"/> counts up, 0 at first.</summary>
    public abstract ValueTask<long> ReadCountAsync(CancellationToken cancellationToken);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}

/// <summary>Makes a fresh database for one test and opens it.</summary>
/// <param name="cancellationToken">The test's token.</param>
public delegate ValueTask<CoordinationFixture> OpenCoordination(CancellationToken cancellationToken);
