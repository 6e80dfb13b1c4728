using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval;

/// <summary>A chunk with its fused score and those of the legs that found it.</summary>
internal readonly record struct FusedChunk(ScoredChunk Chunk, double? Lexical, double? Vector);

/// <summary>Two ranked lists to one.</summary>
internal static class Fusion
{
    // Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet …, SIGIR 2009.
    private const double RankConstant = 60;

    public static IReadOnlyList<FusedChunk> Fuse(
        IReadOnlyList<ScoredChunk> lexical,
        IReadOnlyList<ScoredChunk> vectors,
        RetrievalOptions options
    )
    {
        // A leg that found nothing must not take its share of the scores with it.
        var vectorWeight =
            vectors.Count == 0 ? 0
            : lexical.Count == 0 ? 1
            : options.VectorWeight;
        var fused = new Dictionary<(string, int), FusedChunk>();
        foreach (var (chunk, score) in Score(lexical, options.Fusion))
        {
            fused[(chunk.DocumentId, chunk.Ordinal)] = new FusedChunk(
                chunk with
                {
                    Score = (1 - vectorWeight) * score,
                },
                chunk.Score,
                null
            );
        }

        foreach (var (chunk, score) in Score(vectors, options.Fusion))
        {
            var key = (chunk.DocumentId, chunk.Ordinal);
            var other = fused.GetValueOrDefault(key, new FusedChunk(chunk with { Score = 0 }, null, null));
            fused[key] = other with
            {
                Chunk = chunk with { Score = other.Chunk.Score + (vectorWeight * score) },
                Vector = chunk.Score,
            };
        }

        return [.. fused.Values.OrderBy(chunk => chunk.Chunk, Lexical.BestFirst.Instance)];
    }

    private static IEnumerable<(ScoredChunk Chunk, double Score)> Score(
        IReadOnlyList<ScoredChunk> leg,
        FusionMethod method
    )
    {
        if (leg.Count == 0)
        {
            return [];
        }

        var (best, worst) = (leg[0].Score, leg[^1].Score);
        return method == FusionMethod.ReciprocalRank
            ? leg.Select((chunk, i) => (chunk, 1 / (RankConstant + i + 1)))
            : leg.Select(chunk => (chunk, best > worst ? (chunk.Score - worst) / (best - worst) : 1));
    }
}
