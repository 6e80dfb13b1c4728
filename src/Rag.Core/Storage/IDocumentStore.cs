namespace Slipway.Rag.Storage;

/// <summary>The ledger and the knowledge: documents, versions, chunks, embeddings, rows.</summary>
/// <remarks>
/// Safe for concurrent use. Every method is one transaction. No method calls a model or reads a source: that happens outside. Texts are
/// kept as <see cref="StorableText"/> says. The suites of Slipway.Rag.Testing state these promises as tests.
/// </remarks>
public interface IDocumentStore
{
    /// <summary>The ledger of one source, in no particular order.</summary>
    IAsyncEnumerable<LedgerEntry> ReadLedgerAsync(
        CollectionKey collection,
        string source,
        CancellationToken cancellationToken = default
    );

    /// <summary>Which of these chunk hashes have an embedding by this model already.</summary>
    ValueTask<IReadOnlySet<string>> FindEmbeddedAsync(
        string embeddingModel,
        IReadOnlyCollection<string> contentHashes,
        CancellationToken cancellationToken = default
    );

    /// <summary>Keeps embeddings as they are paid for, before the document is published.</summary>
    ValueTask SaveEmbeddingsAsync(
        string embeddingModel,
        IReadOnlyList<(string ContentHash, ReadOnlyMemory<float> Vector)> embeddings,
        CancellationToken cancellationToken = default
    );

    /// <summary>Which model's vectors answer in a collection, and whether each chunk has one.</summary>
    ValueTask<EmbeddingGeneration> ReadEmbeddingGenerationAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// The next chunks that a model has no embedding of, by content hash, each text once; a chunk of white space alone needs none. Read in
    /// pages: no transaction stays open while a model is asked.
    /// </summary>
    /// <param name="collection">The collection.</param>
    /// <param name="embeddingModel">Fingerprint of the model.</param>
    /// <param name="after">Only content hashes after this one; empty to begin.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    ValueTask<IReadOnlyList<UnembeddedChunk>> FindUnembeddedAsync(
        CollectionKey collection,
        string embeddingModel,
        string after,
        int count,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// From the next query on, a model's vectors answer in a collection. Without effect where nothing was ever published. The vectors of the
    /// model before stay: going back to it costs nothing.
    /// </summary>
    /// <param name="collection">The collection.</param>
    /// <param name="generation">The model, and whether any chunk may lack a vector by it.</param>
    /// <param name="cancellationToken">Cancels the change.</param>
    ValueTask UseEmbeddingsAsync(
        CollectionKey collection,
        EmbeddingGeneration generation,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Publishes a version: chunks, lexical entries, vectors' references, rows and the ledger entry, or nothing.
    /// Replaces the version before; that one answers until the commit.
    /// </summary>
    /// <returns>The document's id and its new version.</returns>
    /// <exception cref="PublicationConflictException">
    /// The ledger has moved on since <see cref="DocumentPublication.BaseVersion"/>: another version, the row of
    /// <see cref="DocumentPublication.DocumentId"/> deleted, or its new place taken. Nothing has changed then.
    /// </exception>
    /// <exception cref="ClaimLostException"><see cref="DocumentPublication.Claim"/> is not held any more. Nothing has changed then.</exception>
    ValueTask<(string DocumentId, int Version)> PublishAsync(
        DocumentPublication publication,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Publishes several documents of one collection in one transaction: for many small ones that costs a fraction. Each becomes visible
    /// whole, all of them at the same moment. One whose ledger has moved on is left out and does not keep the others back.
    /// </summary>
    /// <param name="publications">No document twice. Some hundreds at once are best; their rows stay locked until all are written.</param>
    /// <param name="cancellationToken">Cancels before the commit.</param>
    /// <returns>By publication: its id and new version, or null for a conflict, as <see cref="PublicationConflictException"/> says.</returns>
    /// <exception cref="ArgumentException">The publications are of several collections.</exception>
    ValueTask<IReadOnlyList<(string DocumentId, int Version)?>> PublishBatchAsync(
        IReadOnlyList<DocumentPublication> publications,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Notes a look that found the same bytes: new size, time, name, place, grants or metadata of the source, same version. The chunks stay
    /// as they are. The title becomes what the source says now, or else that of the new name where it was made of the name
    /// (<see cref="DocumentPublication.IsTitleDerived"/>). What is gone meanwhile, and what would take another document's place, is passed over; the next listing sorts it out.
    /// </summary>
    ValueTask MarkSeenAsync(
        CollectionKey collection,
        string source,
        IReadOnlyList<(string DocumentId, Sources.SourceDocument Document, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// The same as <see cref="MarkSeenAsync"/> for documents that a worker holds. Of one whose claim is lost nothing is noted: somebody else says what it is.
    /// </summary>
    /// <param name="documents">The claims, and when the content was compared.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <returns>In the given order, whether it was noted. A claim that was kept is over then.</returns>
    ValueTask<IReadOnlyList<bool>> NoteUnchangedAsync(
        IReadOnlyList<(DocumentClaim Claim, DateTimeOffset SeenAt)> documents,
        CancellationToken cancellationToken = default
    );

    /// <summary>Notes a failed attempt. An older version goes on answering.</summary>
    /// <exception cref="ClaimLostException"><see cref="DocumentFailure.Claim"/> is not held any more. Nothing has changed then.</exception>
    ValueTask RecordFailureAsync(DocumentFailure failure, CancellationToken cancellationToken = default);

    /// <summary>Deletes documents: chunks, versions, rows and index entries. Answers do not find them after this returns.</summary>
    /// <returns>How many there were.</returns>
    ValueTask<int> DeleteAsync(
        CollectionKey collection,
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken = default
    );

    /// <summary>One document, or null when there is none that the principal may read.</summary>
    ValueTask<DocumentInfo?> FindAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    );

    /// <summary>Documents by name, one page.</summary>
    ValueTask<DocumentPage> ListAsync(DocumentQuery query, CancellationToken cancellationToken = default);

    /// <summary>The current text, or null when there is none that the principal may read.</summary>
    ValueTask<DocumentText?> ReadTextAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    );

    /// <summary>Notes a finished run in <c>ingestion_runs</c>, with its report as JSON.</summary>
    ValueTask RecordRunAsync(
        CollectionKey collection,
        string source,
        DateTimeOffset startedAt,
        string reportJson,
        CancellationToken cancellationToken = default
    );
}
