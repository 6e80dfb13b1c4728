using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Storage;

/// <summary>The search side of a store.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public interface ISearchIndex
{
    /// <summary>
    /// Opens one consistent view: everything read through it belongs to the same moment. The caller disposes it soon.
    /// </summary>
    /// <param name="collection">The collection.</param>
    /// <param name="principal">Only what this principal may read is found.</param>
    /// <param name="filter">Only what matches is found; null for everything. As many results as asked for come back when so many match.</param>
    /// <param name="cancellationToken">Cancels the opening.</param>
    ValueTask<ISearchSnapshot> OpenSnapshotAsync(
        CollectionKey collection,
        Principal principal,
        SearchFilter? filter,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Folds pending lexical changes into the packed postings. Queries are right before, during and after; it only makes them faster.
    /// </summary>
    /// <returns>How many documents were folded in.</returns>
    ValueTask<int> MergeAsync(CollectionKey collection, CancellationToken cancellationToken = default);

    /// <summary>
    /// Builds what makes searches faster and takes long, such as an index of vectors; called at the end of an ingestion run. Queries are
    /// right before, during and after. Returns at once where there is nothing to build, or where somebody else is building it. Default:
    /// nothing.
    /// </summary>
    ValueTask OptimizeAsync(CollectionKey collection, CancellationToken cancellationToken = default) => default;
}

/// <summary>Shorter ways to call <see cref="ISearchIndex"/>.</summary>
public static class SearchIndexExtensions
{
    /// <summary>Opens a view of everything that the principal may read.</summary>
    /// <inheritdoc cref="ISearchIndex.OpenSnapshotAsync"/>
    public static ValueTask<ISearchSnapshot> OpenSnapshotAsync(
        this ISearchIndex index,
        CollectionKey collection,
        Principal principal,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(index);
        return index.OpenSnapshotAsync(collection, principal, null, cancellationToken);
    }
}

/// <summary>One moment of a collection, as one principal may see it. Used by one caller at a time.</summary>
public interface ISearchSnapshot : IAsyncDisposable
{
    /// <summary>Fingerprint of the model whose vectors answer: each chunk has one. Null when there are none yet.</summary>
    string? EmbeddingModel { get; }

    /// <summary>Best chunks by BM25. Ties are broken by document id, then chunk number.</summary>
    ValueTask<IReadOnlyList<ScoredChunk>> SearchTextAsync(
        string query,
        int count,
        Bm25Options bm25,
        CancellationToken cancellationToken = default
    );

    /// <summary>Nearest chunks by cosine similarity among those embedded by <paramref name="embeddingModel"/>.</summary>
    ValueTask<IReadOnlyList<ScoredChunk>> SearchVectorsAsync(
        string embeddingModel,
        ReadOnlyMemory<float> vector,
        int count,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads passages, in the given order.</summary>
    ValueTask<IReadOnlyList<Retrieval.Passage>> ReadPassagesAsync(
        IReadOnlyList<ScoredChunk> chunks,
        CancellationToken cancellationToken = default
    );
}

/// <summary>A hit of one leg.</summary>
/// <param name="DocumentId">The document.</param>
/// <param name="Ordinal">The chunk's number within it.</param>
/// <param name="Score">The leg's score: BM25, or cosine similarity.</param>
public readonly record struct ScoredChunk(string DocumentId, int Ordinal, double Score);
