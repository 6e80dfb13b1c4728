using Slipway.Rag.Reading;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>One document in the hands of a worker: what is known of it so far.</summary>
internal sealed class Attempt(DocumentClaim claim, TimeProvider timeProvider)
{
    public DateTimeOffset StartedAt { get; } = timeProvider.GetUtcNow();

    public DocumentClaim Claim => claim;

    /// <summary>When its bytes were read, or else when the attempt began.</summary>
    public DateTimeOffset SeenAt => Content?.ReadAt ?? StartedAt;

    /// <summary>Its bytes. Disposed as soon as it is chunked; what is known of them stays.</summary>
    public DocumentContent? Content { get; set; }

    public string? MediaType { get; set; }

    /// <summary>Set when it was read.</summary>
    public StructuredDocument Document { get; set; } = null!;

    public IReadOnlyList<ChunkRecord> Chunks { get; set; } = [];
}
