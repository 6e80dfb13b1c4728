namespace Slipway.Retrieval.Evaluation;

/// <summary>A way of ranking a data set's documents.</summary>
internal interface IRun : IAsyncDisposable
{
    int Chunks { get; }

    TimeSpan Indexing { get; }

    /// <summary>The best documents, best first.</summary>
    ValueTask<IReadOnlyList<string>> RankAsync(string query, int count);
}

/// <summary>Averages over the queries that have judgements, as trec_eval counts them.</summary>
internal sealed record Scores(int Queries, double Ndcg, double Recall, double ReciprocalRank, double QueriesPerSecond)
{
    public static async Task<Scores> MeasureAsync(BeirDataset data, IRun run)
    {
        var (ndcg, recall, reciprocalRank) = (0.0, 0.0, 0.0);
        await run.RankAsync(data.Queries[0].Text, 100); // loads what is kept in memory
        var spent = TimeSpan.Zero;
        foreach (var (id, text) in data.Queries)
        {
            var started = TimeProvider.System.GetTimestamp();
            var ranked = await run.RankAsync(text, 100);
            spent += TimeProvider.System.GetElapsedTime(started);

            var judged = data.Judgements[id];
            ndcg += Ndcg10(ranked, judged);
            recall += (double)ranked.Count(judged.ContainsKey) / judged.Count;
            var first = ranked.Take(10).ToList().FindIndex(judged.ContainsKey);
            reciprocalRank += first < 0 ? 0 : 1.0 / (first + 1);
        }

        var count = data.Queries.Count;
        return new Scores(count, ndcg / count, recall / count, reciprocalRank / count, count / spent.TotalSeconds);
    }

    private static double Ndcg10(IReadOnlyList<string> ranked, Dictionary<string, int> judged)
    {
        var gained = ranked.Take(10).Select((id, i) => Discounted(judged.GetValueOrDefault(id), i)).Sum();
        return gained / judged.Values.OrderDescending().Take(10).Select(Discounted).Sum();
    }

    private static double Discounted(int grade, int rank) => grade / Math.Log2(rank + 2);
}
