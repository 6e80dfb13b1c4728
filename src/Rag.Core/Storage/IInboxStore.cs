namespace Slipway.Rag.Storage;

/// <summary>Documents that were pushed instead of listed: they wait in the ledger until they are read.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public interface IInboxStore
{
    /// <summary>Puts a document, or a new content for one, into state <see cref="DocumentState.Pending"/>. An older version goes on answering.</summary>
    /// <param name="collection">Where it goes.</param>
    /// <param name="document">Identity, name, metadata and grants.</param>
    /// <param name="blobHash">Its bytes in the <see cref="IBlobStore"/> of the same database.</param>
    /// <param name="cancellationToken">Cancels before the commit.</param>
    /// <remarks>
    /// What a worker found out about the content before does not count any more: <see cref="IDocumentStore.PublishAsync"/> refuses it, and
    /// <see cref="IDocumentStore.RecordFailureAsync"/> and <see cref="IDocumentStore.MarkSeenAsync"/> pass over it. A content is told from
    /// another by its hash and by <see cref="Sources.SourceDocument.ModifiedAt"/>.
    /// </remarks>
    /// <returns>The document's id.</returns>
    ValueTask<string> EnqueueAsync(
        CollectionKey collection,
        Sources.SourceDocument document,
        string blobHash,
        CancellationToken cancellationToken = default
    );

    /// <summary>Everything that was ever pushed and not deleted.</summary>
    IAsyncEnumerable<Sources.SourceDocument> ReadInboxAsync(
        CollectionKey collection,
        CancellationToken cancellationToken = default
    );

    /// <summary>Whether a pushed document still waits to be read.</summary>
    ValueTask<bool> HasPendingAsync(CollectionKey collection, CancellationToken cancellationToken = default);

    /// <summary>The blob that holds a pushed document's bytes; null when there is no such document.</summary>
    ValueTask<string?> FindBlobAsync(
        CollectionKey collection,
        string externalId,
        CancellationToken cancellationToken = default
    );
}
