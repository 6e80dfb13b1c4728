namespace Slipway.Rag.Storage;

/// <summary>What an operator does with documents: find out about one, have it tried again, erase it.</summary>
/// <remarks>
/// Safe for concurrent use, beside workers as well. It asks for no principal: whoever may call it sees every document of the collection.
/// The suite <c>MaintenanceSuite</c> of Slipway.Rag.Testing states these promises as tests.
/// </remarks>
public interface IDocumentMaintenance
{
    /// <summary>Documents by id, identity within their source, or name; ordered by id. A name may stand for several, one of each source.</summary>
    /// <param name="collection">The collection.</param>
    /// <param name="document">An id, an external id or a name, exactly.</param>
    /// <param name="source">Only this source; null for all.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    ValueTask<IReadOnlyList<DocumentInfo>> FindAsync(
        CollectionKey collection,
        string document,
        string? source = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Everything that is known of a document; null when there is none.</summary>
    /// <param name="collection">The collection.</param>
    /// <param name="documentId">The document's id.</param>
    /// <param name="attempts">How many of its last attempts, 0 or more.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    ValueTask<DocumentExplanation?> ExplainAsync(
        CollectionKey collection,
        string documentId,
        int attempts = 10,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Makes documents due at once, in whatever state they are: pending, no attempts, next action now. A version that answers goes on
    /// answering. What a living worker holds is left alone: it is being tried at this moment.
    /// </summary>
    /// <returns>How many are due now.</returns>
    ValueTask<int> RetryAsync(
        CollectionKey collection,
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken = default
    );

    /// <summary>The same for all documents that have failed or are in quarantine.</summary>
    /// <inheritdoc cref="RetryAsync"/>
    ValueTask<int> RetryAllAsync(CollectionKey collection, CancellationToken cancellationToken = default);

    /// <summary>Documents that nobody would ever look at again. There are none, unless something is broken.</summary>
    /// <param name="collection">The collection.</param>
    /// <param name="overdue">
    /// Also those that have been due for so long while nobody held them: no worker runs, or none that knows their source. Null to leave
    /// them out.
    /// </param>
    /// <param name="cancellationToken">Cancels the query.</param>
    ValueTask<IReadOnlyList<StuckDocument>> FindStuckAsync(
        CollectionKey collection,
        TimeSpan? overdue = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Removes every trace of a document: what <see cref="IDocumentStore.DeleteAsync"/> removes, its embeddings that no other document
    /// uses, its place in the merged index, what reports of runs say of it, and what conversations have copied from it; then the free
    /// space of the database, which still holds all that. It may take minutes.
    /// </summary>
    /// <remarks>
    /// Stored answers keep the reference (id, version, range) and lose title, name, address and quotes; words that were copied from the
    /// current version become blocks. What users themselves wrote, paraphrases, and copies of older versions outside of quotes stay.
    /// A source that still lists the document brings it back: remove it there first. If it was interrupted, call it again with the id.
    /// </remarks>
    /// <param name="collection">The collection.</param>
    /// <param name="documentId">The document's id; also of one that was deleted before and may have left traces.</param>
    /// <param name="cancellationToken">Cancels. What was removed by then stays removed.</param>
    /// <returns>How much of each kind there was; null when there is no such document and no trace of one.</returns>
    /// <exception cref="SlipwayException">The login may not see everybody's conversations. Nothing has changed then.</exception>
    ValueTask<DocumentErasure?> EraseAsync(
        CollectionKey collection,
        string documentId,
        CancellationToken cancellationToken = default
    );
}

/// <summary>What was erased, by kind.</summary>
public sealed record DocumentErasure
{
    /// <summary>1, or 0 when the document itself had been deleted before.</summary>
    public int Documents { get; init; }

    /// <summary>Its versions.</summary>
    public int Versions { get; init; }

    /// <summary>Its chunks.</summary>
    public int Chunks { get; init; }

    /// <summary>Its rows of tables.</summary>
    public int Rows { get; init; }

    /// <summary>Attempts at it.</summary>
    public int Attempts { get; init; }

    /// <summary>Embeddings that nothing else used.</summary>
    public int Embeddings { get; init; }

    /// <summary>Pushed bytes that nothing else used.</summary>
    public int Blobs { get; init; }

    /// <summary>Messages of conversations that were changed.</summary>
    public int Messages { get; init; }

    /// <summary>Steps and events of turns that were changed.</summary>
    public int TurnRecords { get; init; }

    /// <summary>Reports of ingestion runs that were changed.</summary>
    public int Reports { get; init; }

    /// <summary>
    /// Whether the database's free space was cleaned too. False when the login may not, or somebody kept reading an older moment: erase it
    /// again by its id.
    /// </summary>
    public bool FreeSpaceCleaned { get; init; }
}

/// <summary>Everything that is known of a document.</summary>
public sealed record DocumentExplanation
{
    /// <summary>Identity, state, version, attempts since the last success, last error, next action.</summary>
    public required DocumentInfo Document { get; init; }

    /// <summary>Who claimed it last and has not finished; null when nobody has.</summary>
    public string? Owner { get; init; }

    /// <summary>When that claim ends or has ended, by the database's clock, UTC.</summary>
    public DateTimeOffset? ClaimedUntil { get; init; }

    /// <summary>Whether the claim still holds, by the database's clock.</summary>
    public bool IsHeld { get; init; }

    /// <summary>When its bytes were looked at last, UTC; null before the first look.</summary>
    public DateTimeOffset? SeenAt { get; init; }

    /// <summary>When it was first seen, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its row was changed last, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Its last attempts, the latest first.</summary>
    public required IReadOnlyList<IngestionAttempt> Attempts { get; init; }
}

/// <summary>One attempt at a document.</summary>
public sealed record IngestionAttempt
{
    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>What it led to: <c>published</c>, <c>failed</c>, <c>quarantined</c> or <c>skipped</c>; a later release may write more.</summary>
    public required string Outcome { get; init; }

    /// <summary>Class of its error; null after a success.</summary>
    public ErrorClass? ErrorClass { get; init; }

    /// <summary>Its error, for people; null after a success.</summary>
    public string? Error { get; init; }
}

/// <summary>A document that waits in vain.</summary>
/// <param name="DocumentId">The document's id.</param>
/// <param name="Source">The source's name.</param>
/// <param name="Name">Name with path inside the source.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Reason">Why that is wrong.</param>
public sealed record StuckDocument(
    string DocumentId,
    string Source,
    string Name,
    DocumentState State,
    StuckReason Reason
);

/// <summary>Why a document waits in vain.</summary>
public enum StuckReason
{
    /// <summary>It is pending or has failed, and has no time at which it is tried again.</summary>
    NoNextAction,

    /// <summary>It has failed or is in quarantine, and nobody wrote down why.</summary>
    NoError,

    /// <summary>It has been due for longer than was asked for, and nobody holds it.</summary>
    Overdue,
}
