using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Rag.Testing;

/// <summary>A store under test: every contract over one fresh database.</summary>
/// <remarks>
/// The fixture that <see cref="OpenStore"/> gave owns the database and removes it when it is disposed; one that <see cref="ReopenAsync(CancellationToken)"/>
/// gave owns only its connections.
/// </remarks>
public abstract class StoreFixture : IAsyncDisposable
{
    /// <summary>Ledger and knowledge.</summary>
    public abstract IDocumentStore Documents { get; }

    /// <summary>Pushed documents.</summary>
    public abstract IInboxStore Inbox { get; }

    /// <summary>Documents that are due, for workers.</summary>
    public abstract IDocumentQueue Queue { get; }

    /// <summary>Who plans.</summary>
    public abstract ILeaseStore Leases { get; }

    /// <summary>Wakes who waits.</summary>
    public abstract IChangeSignal Changes { get; }

    /// <summary>The search side.</summary>
    public abstract ISearchIndex Search { get; }

    /// <summary>Bytes by content.</summary>
    public abstract IBlobStore Blobs { get; }

    /// <summary>Stored text by range.</summary>
    public abstract IPassageReader Passages { get; }

    /// <summary>The operator's side.</summary>
    public abstract IDocumentMaintenance Maintenance { get; }

    /// <summary>The same database as another process has it: nothing in memory is shared. The caller disposes it.</summary>
    public abstract ValueTask<StoreFixture> ReopenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// As <see cref="ReopenAsync(CancellationToken)"/>, with an observer of what the process does to the database. Null, the default, for a
    /// store that cannot tell: what needs it is skipped.
    /// </summary>
    /// <param name="observe">
    /// Told of each statement before it runs and once more behind each commit. What it throws ends the statement's unit of work, which is
    /// not repeated.
    /// </param>
    /// <param name="cancellationToken">The test's token.</param>
    public virtual ValueTask<StoreFixture?> ReopenAsync(Action<string> observe, CancellationToken cancellationToken) =>
        default;

    /// <summary>Now, by the clock of leases and claims.</summary>
    public abstract ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken);

    /// <summary>Moves the clock of leases and claims, for every process.</summary>
    /// <param name="by">Forward, or backward when negative; added to earlier moves.</param>
    /// <param name="cancellationToken">The test's token.</param>
    public abstract ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken);

    /// <summary>The same database as tables: what the contracts do not show.</summary>
    public abstract IStoreTables Tables { get; }

    /// <summary>Whether a text stands anywhere in the database, in what its engine keeps for itself as well.</summary>
    public abstract ValueTask<bool> ContainsAsync(string text, CancellationToken cancellationToken);

    /// <summary>How many rows of a kind the whole database holds, asked beside the contracts: what was deleted must be gone.</summary>
    public abstract ValueTask<long> CountAsync(StoredKind kind, CancellationToken cancellationToken);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}

/// <summary>What a store holds, for <see cref="StoreFixture.CountAsync"/>.</summary>
public enum StoredKind
{
    /// <summary>Documents, in any state.</summary>
    Documents,

    /// <summary>Versions of documents, the superseded ones included.</summary>
    Versions,

    /// <summary>Chunks.</summary>
    Chunks,

    /// <summary>Rows of tables.</summary>
    Rows,

    /// <summary>Embeddings.</summary>
    Embeddings,

    /// <summary>Blobs.</summary>
    Blobs,

    /// <summary>Attempts at documents, failed or not.</summary>
    Attempts,

    /// <summary>Finished ingestion runs.</summary>
    Runs,

    /// <summary>Documents in the merged search index.</summary>
    Merged,

    /// <summary>Documents whose publication or deletion waits for a merge of the search index.</summary>
    Unmerged,
}

/// <summary>Makes a fresh database for one test and opens the store on it.</summary>
/// <param name="timeProvider">The clock of everything that is stored.</param>
/// <param name="cancellationToken">The test's token.</param>
public delegate ValueTask<StoreFixture> OpenStore(TimeProvider timeProvider, CancellationToken cancellationToken);
