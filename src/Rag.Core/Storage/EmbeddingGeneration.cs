namespace Slipway.Rag.Storage;

/// <summary>The vectors that answer in a collection.</summary>
/// <param name="Model">Fingerprint of the model that made them; null when there are none that answer.</param>
/// <param name="MayHaveGaps">
/// Whether a published chunk may lack one: a pipeline with another model has published since they were last seen to be complete.
/// </param>
public sealed record EmbeddingGeneration(string? Model, bool MayHaveGaps);

/// <summary>A chunk that a model has no embedding of.</summary>
/// <param name="ContentHash">Its identity, see <see cref="ChunkIdentity"/>.</param>
/// <param name="Input">What is embedded.</param>
/// <param name="DocumentId">A document that contains it.</param>
public sealed record UnembeddedChunk(string ContentHash, string Input, string DocumentId);
