using System.Diagnostics.CodeAnalysis;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Storage;

/// <summary>Documents whose next action is due, claimed one by one by any number of workers.</summary>
/// <remarks>
/// Safe for concurrent use. A claim lasts for a time by the database's clock; then the document may be claimed by others. A worker that
/// wakes late is refused by the store, not by its own clock: it hands its claim to <see cref="IDocumentStore.PublishAsync"/> and
/// <see cref="IDocumentStore.RecordFailureAsync"/>, which check it inside their transaction. A claim ends when the document is published,
/// fails, is seen unchanged, is pushed anew or is deleted, whoever does that.
/// </remarks>
[SuppressMessage("Naming", "CA1711", Justification = "It is one.")]
public interface IDocumentQueue
{
    /// <summary>
    /// Writes a part of a plan in one transaction: what moved is noted, what is gone is deleted, what is new or changed becomes due at
    /// once. An older version of those goes on answering; a claim on them ends, because its worker has read what is out of date.
    /// </summary>
    /// <param name="plan">The changes. Some hundreds at once are best.</param>
    /// <param name="cancellationToken">Cancels before the commit.</param>
    /// <returns>How many documents were deleted.</returns>
    /// <exception cref="LeaseLostException"><see cref="PlannedChanges.Planner"/> is not held any more. Nothing has changed then.</exception>
    ValueTask<int> ApplyAsync(PlannedChanges plan, CancellationToken cancellationToken = default);

    /// <summary>
    /// Claims documents whose <see cref="LedgerEntry.NextActionAt"/> has come and that nobody holds, the longest due first (then by id).
    /// What others are claiming or publishing at this moment is passed over, not waited for.
    /// </summary>
    /// <param name="collection">The collection.</param>
    /// <param name="owner">Who works on them; shown to people.</param>
    /// <param name="count">How many at most, 1 or more.</param>
    /// <param name="duration">How long the claims last unless they are renewed; 1 ms or more, kept in milliseconds.</param>
    /// <param name="source">Only documents of this source; null for all.</param>
    /// <param name="cancellationToken">Cancels the claim; whether it took place is not known then, and it expires by itself.</param>
    ValueTask<IReadOnlyList<DocumentClaim>> ClaimAsync(
        CollectionKey collection,
        string owner,
        int count,
        TimeSpan duration,
        string? source = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Makes claims last for <paramref name="duration"/> from now.</summary>
    /// <returns>Those that are still held, with their new end. Work on the others is in vain.</returns>
    ValueTask<IReadOnlyList<DocumentClaim>> RenewAsync(
        IReadOnlyCollection<DocumentClaim> claims,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    );

    /// <summary>Who holds documents of a collection now.</summary>
    ValueTask<IReadOnlyList<string>> ListOwnersAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    );

    /// <summary>Frees everything that an owner holds: for one that is known to be dead, whose claims would only expire.</summary>
    /// <returns>How many documents it held.</returns>
    ValueTask<int> ReleaseAsync(CollectionKey collection, string owner, CancellationToken cancellationToken = default);

    /// <summary>Gives documents back untouched: they are due at once for everybody.</summary>
    /// <returns>How many were still held.</returns>
    ValueTask<int> ReturnAsync(
        IReadOnlyCollection<DocumentClaim> claims,
        CancellationToken cancellationToken = default
    );
}

/// <summary>A document that a worker holds for a time.</summary>
public sealed record DocumentClaim
{
    /// <summary>The collection.</summary>
    public required CollectionKey Collection { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The document as it was listed or pushed last.</summary>
    public required SourceDocument Document { get; init; }

    /// <summary>Where it stood when it was claimed.</summary>
    public required LedgerEntry Entry { get; init; }

    /// <summary>Who holds it.</summary>
    public required string Owner { get; init; }

    /// <summary>Of this claim alone; of two claims on a document the later one has the higher token.</summary>
    public required long FencingToken { get; init; }

    /// <summary>When it ends, by the database's clock, UTC. To be shown, not to be compared with this host's clock.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A worker came too late: its claim has expired, or the document was claimed or finished by somebody else.</summary>
public sealed class ClaimLostException(string documentName, string owner)
    : SlipwayException(
        ErrorClass.Transient,
        $"'{documentName}' is not claimed by {owner} any more; this result is dropped."
    );
