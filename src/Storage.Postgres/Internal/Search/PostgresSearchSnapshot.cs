using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>One transaction of isolation level repeatable read: index, grants, vectors and passages all belong to its moment.</summary>
/// <param name="database">For its errors.</param>
/// <param name="session">The transaction; owned. What is under way ends with the token that it was opened with.</param>
/// <param name="searchIndex">What this process keeps in memory.</param>
/// <param name="collection">Where is searched.</param>
/// <param name="moment">What the snapshot was opened with; without an index when there is nothing that the principal could find.</param>
/// <param name="scope">What may be found.</param>
internal sealed class PostgresSearchSnapshot(
    PostgresDatabase database,
    PostgresSession session,
    PostgresSearchIndex searchIndex,
    CollectionKey collection,
    PostgresMoment moment,
    PostgresDocumentScope scope
) : ISearchSnapshot
{
    public string? EmbeddingModel => moment.Index?.Embeddings.Model;

    public async ValueTask<IReadOnlyList<ScoredChunk>> SearchTextAsync(
        string query,
        int count,
        Bm25Options bm25,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (moment.Index is null)
        {
            return [];
        }

        using var scorer = await database
            .GuardAsync(() => searchIndex.ScoreTextAsync(session, moment, query, bm25))
            .ConfigureAwait(false);
        return scorer is null ? [] : await scope.BestAsync(count, scorer.Top, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<ScoredChunk>> SearchVectorsAsync(
        string embeddingModel,
        ReadOnlyMemory<float> vector,
        int count,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        return moment.Index is null || count == 0
            ? []
            : await database
                .GuardAsync(() =>
                    searchIndex.Vectors.NearestAsync(session, collection, scope, embeddingModel, vector, count)
                )
                .ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<Passage>> ReadPassagesAsync(
        IReadOnlyList<ScoredChunk> chunks,
        CancellationToken cancellationToken = default
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        return moment.Index is null || chunks.Count == 0
            ? []
            : await database.GuardAsync(() => PostgresPassages.ReadAsync(session, scope, chunks)).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => session.DisposeAsync();
}
