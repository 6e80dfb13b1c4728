using Slipway.Agents.Limits;

namespace Slipway.Agents.Testing;

/// <summary>A store of limits under test, over one fresh database.</summary>
/// <remarks>
/// The fixture that <see cref="OpenTurnLimitStore"/> gave owns the database and removes it when it is disposed; the others own only their
/// connections.
/// </remarks>
public abstract class TurnLimitStoreFixture : IAsyncDisposable
{
    /// <summary>The store.</summary>
    public abstract ITurnLimitStore Limits { get; }

    /// <summary>The same database as another instance has it. The caller disposes it.</summary>
    public abstract ValueTask<TurnLimitStoreFixture> ReopenAsync(CancellationToken cancellationToken);

    /// <summary>Moves the database's clock forward, for everybody.</summary>
    public abstract ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}

/// <summary>Makes a fresh database for one test and opens the store on it.</summary>
/// <param name="cancellationToken">The test's token.</param>
public delegate ValueTask<TurnLimitStoreFixture> OpenTurnLimitStore(CancellationToken cancellationToken);
