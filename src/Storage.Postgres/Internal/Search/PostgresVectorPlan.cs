namespace Slipway.Storage.Postgres.Internal.Search;

/// <summary>
/// How the nearest are found: by comparing every vector that may be found, or by asking the index for so many candidates that enough of
/// them may be found.
/// </summary>
/// <param name="Candidates">Vectors to take from the index; null for comparing all.</param>
internal readonly record struct PostgresVectorPlan(int? Candidates)
{
    /// <summary>Compares every vector: always right.</summary>
    public static PostgresVectorPlan Exact => new(null);

    // Candidates for each that is expected to pass: chance, and filters that have something to do with the question.
    private const double Margin = 2;

    // What a candidate costs in the index, in vectors that are joined and compared; measured (docs/benchmarks/postgres.md).
    private const double CostOfCandidate = 3;

    // One list of pgvector's search. Beyond it the search goes on from where it was and misses whole clusters: recall .954 where 10 % of
    // 100,000 could be found. So it is asked for more only where comparing all would take too long.
    private const int OneList = 1_000;
    private const int MostCandidates = 20_000;
    private const int SoonCompared = 50_000;

    /// <param name="count">Wanted.</param>
    /// <param name="matching">Chunks that may be found, about.</param>
    /// <param name="indexed">Vectors in the index, of all collections; 0 when there is none.</param>
    public static PostgresVectorPlan Choose(int count, long matching, long indexed)
    {
        if (indexed == 0)
        {
            return Exact;
        }

        var selectivity = Math.Clamp((double)matching / indexed, 1.0 / indexed, 1);
        var candidates = Math.Ceiling(count * (selectivity < 1 ? Margin / selectivity : 1));
        return Take(candidates, matching);
    }

    /// <summary>What to try when too few of the candidates could be found.</summary>
    public PostgresVectorPlan Wider(long matching) => Candidates is { } before ? Take(before * 8.0, matching) : Exact;

    private static PostgresVectorPlan Take(double candidates, long matching) =>
        candidates <= (matching <= SoonCompared ? OneList : MostCandidates) && candidates * CostOfCandidate < matching
            ? new PostgresVectorPlan((int)candidates)
            : Exact;
}
