namespace Slipway.Rag.Storage.Copying;

/// <summary>A whole store as tables, for copying it to another engine. For stores; applications use <see cref="StoreCopy"/>.</summary>
/// <remarks>One caller at a time. Whoever opened it disposes it.</remarks>
public interface IStoreTables : IAsyncDisposable
{
    /// <summary>Which store this is, for people: no secrets. The same store always has the same name.</summary>
    string Name { get; }

    /// <summary>Opens one moment of everything, whoever it belongs to. The caller disposes it.</summary>
    /// <exception cref="SlipwayException">The store cannot be opened, or may not be seen as a whole.</exception>
    ValueTask<IStoreTablesReader> OpenReaderAsync(CancellationToken cancellationToken = default);

    /// <summary>Notes that a copy of this source begins, or goes on.</summary>
    /// <param name="source"><see cref="Name"/> of the source.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    /// <exception cref="SlipwayException">Something is in the store already that is no unfinished copy of this source.</exception>
    ValueTask BeginCopyAsync(string source, CancellationToken cancellationToken = default);

    /// <summary>Adds rows in one transaction, all or none.</summary>
    /// <param name="table">One of <see cref="StoreTable.All"/>.</param>
    /// <param name="rows">Values in the order of <see cref="StoreTable.Columns"/>; null for none.</param>
    /// <param name="cancellationToken">Cancels and rolls back.</param>
    ValueTask WriteAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        CancellationToken cancellationToken = default
    );

    /// <summary>Adds rows that are not there yet, in one transaction, and leaves those alone that are.</summary>
    /// <param name="table">One of <see cref="StoreTable.All"/>, whose rows come from another system.</param>
    /// <param name="rows">
    /// As in <see cref="WriteAsync"/>, each with something unique beside a key that the store gives out itself, which is null.
    /// </param>
    /// <param name="cancellationToken">Cancels and rolls back.</param>
    /// <returns>How many were added.</returns>
    ValueTask<int> AddMissingAsync(
        StoreTable table,
        IReadOnlyList<object?[]> rows,
        CancellationToken cancellationToken = default
    );

    /// <summary>Makes of the rows a store to work with: numbers that go on after the last, and search indexes merged.</summary>
    ValueTask CompleteAsync(CancellationToken cancellationToken = default);

    /// <summary>Notes that the copy is whole. From now on nothing is copied to this store.</summary>
    /// <param name="source">As in <see cref="BeginCopyAsync"/>.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    ValueTask EndCopyAsync(string source, CancellationToken cancellationToken = default);
}

/// <summary>One moment of a store.</summary>
public interface IStoreTablesReader : IAsyncDisposable
{
    /// <summary>How many rows a table has.</summary>
    ValueTask<long> CountAsync(StoreTable table, CancellationToken cancellationToken = default);

    /// <summary>The key of the last row; null when there is none.</summary>
    ValueTask<object?[]?> FindLastKeyAsync(StoreTable table, CancellationToken cancellationToken = default);

    /// <summary>Rows in the order of the key, a page of them in memory at a time.</summary>
    /// <param name="table">One of <see cref="StoreTable.All"/>.</param>
    /// <param name="after">Begin behind this key; null for the first row.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    IAsyncEnumerable<object?[]> ReadAsync(
        StoreTable table,
        object?[]? after,
        CancellationToken cancellationToken = default
    );
}

/// <summary>Opens stores of one engine by their address, for verbs that name a store. Registered by the engine's package.</summary>
public interface IStoreProvider
{
    /// <summary>An address that it opens, as an example for people: <c>sqlite:slipway.db</c>.</summary>
    string Example { get; }

    /// <summary>Opens a store; the caller disposes it. Null for an address of another engine.</summary>
    /// <param name="address">As on the command line.</param>
    IStoreTables? TryOpen(string address);
}

/// <summary>The schema of the application's store, for verbs.</summary>
public interface IStoreSchema
{
    /// <summary>The migrations that the store lacks, in order. Changes nothing.</summary>
    ValueTask<IReadOnlyList<StoreMigration>> FindPendingAsync(CancellationToken cancellationToken = default);

    /// <summary>Applies what is lacking: all of it or nothing.</summary>
    ValueTask MigrateAsync(CancellationToken cancellationToken = default);
}

/// <summary>A migration.</summary>
/// <param name="Number">Its place in the order.</param>
/// <param name="Name">What it does.</param>
/// <param name="Sql">Its statements.</param>
public sealed record StoreMigration(int Number, string Name, string Sql);
