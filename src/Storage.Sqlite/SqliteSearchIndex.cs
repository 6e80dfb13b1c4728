using System.Collections.Concurrent;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Storage.Sqlite.Internal;
using Slipway.Storage.Sqlite.Internal.Search;

namespace Slipway.Storage.Sqlite;

/// <summary>BM25 and exact vector search over the file. What it keeps in memory is checked against the file in every query's transaction.</summary>
internal sealed class SqliteSearchIndex(SqliteDatabase database) : ISearchIndex
{
    /// <summary>Documents in one merge transaction: more would hold the write lock for seconds.</summary>
    private const int MergedAtOnce = 1024;

    /// <summary>See <see cref="SqliteDocumentScope.SmallSet"/>.</summary>
    internal int SmallSet { get; init; } = SqliteDocumentScope.SmallSet;

    private readonly ConcurrentDictionary<long, SqliteLexicalView> _views = new();
    private readonly ConcurrentDictionary<(long IndexId, string Model), SqliteVectors> _vectors = new();

    public async ValueTask<ISearchSnapshot> OpenSnapshotAsync(
        CollectionKey collection,
        Principal principal,
        SearchFilter? filter,
        CancellationToken cancellationToken = default
    )
    {
        var read = await database.BeginReadAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // The first read fixes the moment that the transaction sees.
            return database.Guard(() =>
                new SqliteSearchSnapshot(
                    database,
                    read,
                    this,
                    collection,
                    principal.Tenant == collection.Tenant ? SqliteIndex.Find(read.Session, collection) : null,
                    new SqliteDocumentScope(database, read.Session, collection, principal, filter, SmallSet)
                )
            );
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Call it when a publish or delete reports that 64 documents are pending; while thousands are loaded, at 1,000 and at the end. A
    /// merge of many documents costs each of them far less, and queries cope with a thousand pending.
    /// </remarks>
    public async ValueTask<int> MergeAsync(CollectionKey collection, CancellationToken cancellationToken = default)
    {
        var merged = 0;
        for (var last = MergedAtOnce; last == MergedAtOnce; merged += last)
        {
            // Asked on a reader first: finding nothing to do must not wait for the write lock.
            if (!await database.ReadAsync(HasPending, cancellationToken).ConfigureAwait(false))
            {
                break;
            }

            last = await database
                .WriteMuchAsync(
                    session =>
                        SqliteIndex.Find(session, collection) is { } index
                            ? SqliteMerge.Run(session, index, MergedAtOnce)
                            : 0,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }

        return merged;

        bool HasPending(SqliteSession session) =>
            SqliteIndex.Find(session, collection) is { } index
            && session.Scalar("select 1 from lexical_deltas where index_id = $1 limit 1", index.Id) is not null;
    }

    internal LexicalScorer ScoreText(
        SqliteSession session,
        SqliteIndex index,
        string query,
        Bm25Options bm25,
        CancellationToken cancellationToken
    )
    {
        var known = _views.GetValueOrDefault(index.Id);
        var view = known?.Shows(index) == true ? known : SqliteLexicalView.Read(session, index, known);
        if (view != known)
        {
            _views.AddOrUpdate(index.Id, view, (_, kept) => kept.IsOlderThan(view) ? view : kept);
        }

        return view.Score(session, query, bm25, cancellationToken);
    }

    internal SqliteVectorSet Vectors(
        SqliteSession session,
        SqliteIndex index,
        CollectionKey collection,
        string model
    ) =>
        _vectors
            .GetOrAdd((index.Id, model), key => new SqliteVectors(key.IndexId, collection, key.Model))
            .At(session, index.Revision);
}
