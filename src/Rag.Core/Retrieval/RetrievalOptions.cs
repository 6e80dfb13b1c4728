using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Retrieval;

/// <summary>How retrieval ranks.</summary>
public sealed record RetrievalOptions
{
    /// <summary>How the lexical and the vector leg become one order. Default <see cref="FusionMethod.Convex"/>.</summary>
    public FusionMethod Fusion { get; set; } = FusionMethod.Convex;

    /// <summary>
    /// The vector leg's share in <see cref="FusionMethod.Convex"/>, 0 to 1; the lexical leg has the rest. Default 0.5: with equal shares
    /// the fusion gained on SciFact and NFCorpus whichever leg was the better one.
    /// </summary>
    public double VectorWeight { get; set; } = 0.5;

    /// <summary>How many candidates each leg gives to the fusion, at least. Default 100.</summary>
    public int CandidatesPerLeg { get; set; } = 100;

    /// <summary>
    /// Whether a search goes on with BM25 alone when the embedding model cannot be reached; the result says so in its
    /// <see cref="RetrievalResult.Note"/>, and a warning is logged. Default true: a provider's outage must not end all search. A wrong key
    /// or setting is an error in any case, and so is every failure when this is false.
    /// </summary>
    public bool LexicalWhenEmbeddingFails { get; set; } = true;

    /// <summary>Constants of BM25.</summary>
    public Bm25Options Bm25 { get; set; } = new();
}

/// <summary>How two ranked lists become one.</summary>
public enum FusionMethod
{
    /// <summary>
    /// Each leg's scores are brought to 0…1 (its candidates' lowest and highest), then summed by weight. Keeps how far apart scores are, so
    /// a weak leg does less harm.
    /// </summary>
    Convex,

    /// <summary>
    /// Reciprocal rank fusion: 1 ÷ (60 + rank), summed. Looks at ranks only; loses to the better leg alone where the other one is weak.
    /// </summary>
    ReciprocalRank,
}
