using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// What is kept in memory of an index at one moment: who stands where in the buckets, and what is pending. The postings stay in the
/// database. Immutable, shared by all queries of that moment.
/// </summary>
/// <param name="merges">The index's count of merges.</param>
/// <param name="buckets">The buckets after so many merges.</param>
/// <param name="pending">What is pending, by id. An id names its content: a publish and a merge both end it.</param>
internal sealed class PostgresLexicalView(
    long merges,
    Dictionary<int, LexicalBucket> buckets,
    IReadOnlyList<PendingDocument> pending
)
{
    public static PostgresLexicalView Empty { get; } = new(-1, [], []);

    public bool IsOlderThan(PostgresLexicalView other) => (merges, Newest).CompareTo((other.Merges, other.Newest)) < 0;

    private long Merges => merges;

    private long Newest => pending.Count == 0 ? 0 : pending[^1].Id;

    /// <summary>
    /// Scores every chunk that has a word of the query: reads the words' postings, and with them whatever this process does not know
    /// of the moment yet. The caller disposes the scores.
    /// </summary>
    /// <returns>The scores; null when the query has no words. And the view of the moment.</returns>
    public async Task<(LexicalScorer Scores, PostgresLexicalView View)?> ScoreAsync(
        PostgresSession session,
        PostgresMoment moment,
        string query,
        Bm25Options options
    )
    {
        var index = moment.Index!;
        var terms = index.Analyzer.AnalyzeQuery(query).CountBy(term => term).OrderBy(term => term.Key).ToArray();
        if (terms.Length == 0)
        {
            return null;
        }

        var (view, postings) = await ReadAsync(session, moment, [.. terms.Select(term => unchecked((long)term.Key))])
            .ConfigureAwait(false);
        return (view.Score(index.BucketSize, terms, postings, options, session.CancellationToken), view);
    }

    private async Task<(PostgresLexicalView View, Dictionary<ulong, TermPostings> Postings)> ReadAsync(
        PostgresSession session,
        PostgresMoment moment,
        long[] terms
    )
    {
        var known = pending.ToDictionary(document => document.Id);
        var unknown = moment.Pending.Where(id => !known.ContainsKey(id)).ToArray();
        var sameBuckets = merges == moment.Index!.Merges;
        if (!sameBuckets)
        {
            Queue(PostgresLexicalRows.Buckets(moment.Index.Id, buckets));
        }

        if (unknown.Length > 0)
        {
            Queue(PostgresLexicalRows.Pending(unknown));
        }

        var (sql, arguments) = PostgresLexicalRows.Postings(moment.Index.Id, terms);
        var reader = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var cancellationToken = session.CancellationToken;
            var current = buckets;
            if (!sameBuckets)
            {
                current = await PostgresLexicalRows
                    .ReadBucketsAsync(reader, buckets, cancellationToken)
                    .ConfigureAwait(false);
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
            }

            if (unknown.Length > 0)
            {
                foreach (
                    var document in await PostgresLexicalRows
                        .ReadPendingAsync(reader, cancellationToken)
                        .ConfigureAwait(false)
                )
                {
                    known.Add(document.Id, document);
                }

                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
            }

            var view =
                sameBuckets && unknown.Length == 0 && moment.Pending.Length == pending.Count
                    ? this
                    : new PostgresLexicalView(
                        moment.Index.Merges,
                        current,
                        Array.ConvertAll(moment.Pending, id => known[id])
                    );
            return (view, await PostgresLexicalRows.ReadPostingsAsync(reader, cancellationToken).ConfigureAwait(false));
        }

        void Queue((string Sql, object[] Arguments) statement) => session.Queue(statement.Sql, statement.Arguments);
    }

    private LexicalScorer Score(
        int bucketSize,
        KeyValuePair<ulong, int>[] terms,
        Dictionary<ulong, TermPostings> postings,
        Bm25Options options,
        CancellationToken cancellationToken
    )
    {
        var scorer = new LexicalScorer(buckets, pending, bucketSize, options);
        try
        {
            var none = new TermPostings();
            foreach (var (term, repeated) in terms)
            {
                cancellationToken.ThrowIfCancellationRequested();
                scorer.Add(term, repeated, postings.GetValueOrDefault(term, none));
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
