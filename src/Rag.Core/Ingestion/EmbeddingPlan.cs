namespace Slipway.Rag.Ingestion;

/// <summary>What a run embeds besides the documents of its source: published chunks that its model has no vector of.</summary>
/// <param name="Model">Fingerprint of the pipeline's model, whose vectors answer afterwards.</param>
/// <param name="Answering">Fingerprint of the model whose vectors answer now; null when words alone do.</param>
/// <param name="Chunks">
/// Chunks without a vector by <paramref name="Model"/>, each text once. Of a document that is going to be read anew they count as well,
/// though it may not need them any more.
/// </param>
/// <param name="EstimatedTokens">Their tokens, estimated as in <see cref="IngestionReport.EmbeddedTokens"/>.</param>
public sealed record EmbeddingPlan(string Model, string? Answering, long Chunks, long EstimatedTokens)
{
    /// <summary>Whether another model takes over; otherwise gaps are closed that a pipeline with another model has left.</summary>
    public bool IsChange => Answering != Model;
}
