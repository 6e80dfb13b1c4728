using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Storage.Sqlite.Internal.Search;

/// <summary>
/// What is kept in memory of an index at one revision: who stands where in the buckets, and what is pending. The postings stay in the
/// file. Immutable, shared by all queries of that moment.
/// </summary>
internal sealed class SqliteLexicalView
{
    private readonly SqliteIndex _index;
    private readonly Dictionary<int, LexicalBucket> _buckets;
    private readonly List<PendingDocument> _pending;

    private SqliteLexicalView(
        SqliteIndex index,
        Dictionary<int, LexicalBucket> buckets,
        List<PendingDocument> pending
    ) => (_index, _buckets, _pending) = (index, buckets, pending);

    public bool Shows(SqliteIndex index) =>
        (index.Id, index.Revision, index.Merges) == (_index.Id, _index.Revision, _index.Merges);

    public bool IsOlderThan(SqliteLexicalView other) =>
        (_index.Revision, _index.Merges).CompareTo((other._index.Revision, other._index.Merges)) < 0;

    /// <summary>Reads the view of a transaction's moment; what has not changed since <paramref name="before"/> is taken from there.</summary>
    public static SqliteLexicalView Read(SqliteSession session, SqliteIndex index, SqliteLexicalView? before)
    {
        var sameBuckets = before is not null && before._index.Merges == index.Merges;
        return new SqliteLexicalView(
            index,
            sameBuckets ? before!._buckets : SqliteLexicalRows.ReadBuckets(session, index.Id, before?._buckets ?? []),
            SqliteLexicalRows.ReadPending(
                session,
                index.Id,
                before?._pending.ToDictionary(document => document.Id) ?? []
            )
        );
    }

    /// <summary>Scores every chunk that has a word of the query. The caller disposes the scores.</summary>
    public LexicalScorer Score(
        SqliteSession session,
        string query,
        Bm25Options options,
        CancellationToken cancellationToken
    )
    {
        var scorer = new LexicalScorer(_buckets, _pending, _index.BucketSize, options);
        try
        {
            var postings = new TermPostings();
            foreach (var term in _index.Analyzer.AnalyzeQuery(query).CountBy(term => term).OrderBy(term => term.Key))
            {
                cancellationToken.ThrowIfCancellationRequested();
                SqliteLexicalRows.ReadTerm(session, _index.Id, term.Key, postings);
                scorer.Add(term.Key, term.Value, postings);
            }

            return scorer;
        }
        catch
        {
            scorer.Dispose();
            throw;
        }
    }
}
