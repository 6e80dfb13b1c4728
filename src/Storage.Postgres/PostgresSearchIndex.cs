using System.Collections.Concurrent;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres;

/// <summary>BM25 and vector search over the database. What it keeps in memory is checked against the database in every query's transaction.</summary>
internal sealed class PostgresSearchIndex(PostgresDatabase database) : ISearchIndex
{
    /// <summary>Documents in one merge transaction: a publisher of one of them waits for its end.</summary>
    private const int MergedAtOnce = 1024;

    private readonly ConcurrentDictionary<long, PostgresLexicalView> _views = new();

    internal PostgresVectors Vectors { get; } = new(database.Time);

    /// <summary>See <see cref="PostgresVectorIndex.LeastVectors"/>.</summary>
    internal int LeastIndexedVectors { get; init; } = PostgresVectorIndex.LeastVectors;

    public async ValueTask<ISearchSnapshot> OpenSnapshotAsync(
        CollectionKey collection,
        Principal principal,
        SearchFilter? filter,
        CancellationToken cancellationToken = default
    )
    {
        var session = await database.BeginReadAsync(null, cancellationToken).ConfigureAwait(false);
        try
        {
            // The first statement fixes the moment that the transaction sees.
            var moment = await database
                .GuardAsync(() => PostgresMoment.ReadAsync(session, collection))
                .ConfigureAwait(false);
            return new PostgresSearchSnapshot(
                database,
                session,
                this,
                collection,
                principal.Tenant == collection.Tenant ? moment : moment with { Index = null },
                new PostgresDocumentScope(database, session, collection, principal, filter, moment.HasGrants)
            );
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// One merge of a collection runs at a time in the whole database: while another process is at it, this returns at once. While
    /// thousands of documents are loaded, call it every 1,000 and at the end: a merge of many costs each of them far less.
    /// </remarks>
    public async ValueTask<int> MergeAsync(CollectionKey collection, CancellationToken cancellationToken = default)
    {
        var merged = 0;
        for (var last = MergedAtOnce; last == MergedAtOnce; merged += last)
        {
            last = await database
                .WriteAsync(
                    null,
                    session => PostgresMerge.RunAsync(session, collection, MergedAtOnce),
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return merged;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Builds the HNSW index of each embedding model that has 10,000 vectors or more and none yet, beside all other work. It needs the
    /// rights of the owner of <c>slipway.embeddings</c> and does nothing without them. Minutes, for millions of vectors hours.
    /// </remarks>
    public async ValueTask OptimizeAsync(CollectionKey collection, CancellationToken cancellationToken = default)
    {
        await database.OpenAsync(cancellationToken).ConfigureAwait(false);
        var built = await database
            .GuardAsync(async () =>
            {
                var connection = await database.OpenDirectAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    return await PostgresVectorIndex
                        .BuildAsync(connection, LeastIndexedVectors, cancellationToken)
                        .ConfigureAwait(false);
                }
            })
            .ConfigureAwait(false);
        if (built > 0)
        {
            Vectors.Forget();
        }
    }

    /// <summary>Scores all chunks by BM25; null when the query has no words. The caller disposes the scores.</summary>
    internal async Task<LexicalScorer?> ScoreTextAsync(
        PostgresSession session,
        PostgresMoment moment,
        string query,
        Bm25Options bm25
    )
    {
        var known = _views.GetValueOrDefault(moment.Index!.Id, PostgresLexicalView.Empty);
        if (await known.ScoreAsync(session, moment, query, bm25).ConfigureAwait(false) is not var (scores, view))
        {
            return null;
        }

        if (view != known)
        {
            _views.AddOrUpdate(moment.Index.Id, view, (_, kept) => kept.IsOlderThan(view) ? view : kept);
        }

        return scores;
    }
}
