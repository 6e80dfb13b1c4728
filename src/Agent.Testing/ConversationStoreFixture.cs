using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

/// <summary>A conversation store under test, over one fresh database.</summary>
/// <remarks>
/// The fixture that <see cref="OpenConversationStore"/> gave owns the database and removes it when it is disposed; the others own only their
/// connections.
/// </remarks>
public abstract class ConversationStoreFixture : IAsyncDisposable
{
    /// <summary>The store.</summary>
    public abstract IConversationStore Conversations { get; }

    /// <summary>The store of turns on the same database.</summary>
    public abstract ITurnStore Turns { get; }

    /// <summary>Wakes who waits for a change of the same database.</summary>
    public abstract IChangeSignal Changes { get; }

    /// <summary>Attachments of the same database.</summary>
    public abstract IAttachmentStore Attachments { get; }

    /// <summary>Blobs of the same database.</summary>
    public abstract IBlobStore Blobs { get; }

    /// <summary>The same database as another process has it, one that is alive. The caller disposes it.</summary>
    public abstract ValueTask<ConversationStoreFixture> ReopenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The same database as a process had it that has ended: turns that are started through it will never be finished. The caller disposes it.
    /// </summary>
    public abstract ValueTask<ConversationStoreFixture> ReopenAsEndedProcessAsync(CancellationToken cancellationToken);

    /// <summary>How many rows of a kind the whole database holds, asked beside the contract: what was deleted must be gone.</summary>
    public abstract ValueTask<long> CountAsync(ConversationRow kind, CancellationToken cancellationToken);

    /// <summary>Moves the clock by which leases end.</summary>
    public abstract ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken);

    /// <summary>Writes over a stored message, as a mishap or another release would.</summary>
    /// <param name="sequence">The message's <see cref="ConversationMessage.Sequence"/>.</param>
    /// <param name="format">The format version to write.</param>
    /// <param name="content">The text to write in place of its JSON.</param>
    /// <param name="cancellationToken">The test's token.</param>
    public abstract ValueTask OverwriteMessageAsync(
        long sequence,
        int format,
        string content,
        CancellationToken cancellationToken
    );

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}

/// <summary>What a conversation store holds, for <see cref="ConversationStoreFixture.CountAsync"/>.</summary>
public enum ConversationRow
{
    /// <summary>Conversations.</summary>
    Conversations,

    /// <summary>Attachments.</summary>
    Attachments,

    /// <summary>Blobs.</summary>
    Blobs,

    /// <summary>Messages, the superseded ones included.</summary>
    Messages,

    /// <summary>Turns.</summary>
    Turns,

    /// <summary>Usage.</summary>
    Usage,

    /// <summary>Steps of turns.</summary>
    Steps,

    /// <summary>Events of turns.</summary>
    Events,
}

/// <summary>Makes a fresh database for one test and opens the store on it.</summary>
/// <param name="timeProvider">The clock of everything that is stored.</param>
/// <param name="cancellationToken">The test's token.</param>
public delegate ValueTask<ConversationStoreFixture> OpenConversationStore(
    TimeProvider timeProvider,
    CancellationToken cancellationToken
);
