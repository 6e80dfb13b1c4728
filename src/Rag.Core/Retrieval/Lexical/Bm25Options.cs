namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>The two constants of BM25. They are used at query time only, so a change needs no new index.</summary>
public sealed record Bm25Options
{
    /// <summary>
    /// How much a repeated term adds: 0 for nothing, larger for more. Default 0.9, which with <see cref="B"/> 0.4 is what published
    /// baselines use (Yang, Fang, Lin: Anserini, 2017).
    /// </summary>
    public double K1 { get; init; } = 0.9;

    /// <summary>How much a long text is held against it: 0 not at all, 1 in full. Default 0.4.</summary>
    public double B { get; init; } = 0.4;
}
