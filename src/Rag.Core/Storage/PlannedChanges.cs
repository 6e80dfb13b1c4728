using Slipway.Rag.Sources;

namespace Slipway.Rag.Storage;

/// <summary>A part of a plan, written at once by <see cref="IDocumentQueue.ApplyAsync"/>.</summary>
public sealed record PlannedChanges
{
    /// <summary>The collection.</summary>
    public required CollectionKey Collection { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The lease under which the plan was made; it is checked in the transaction. Null writes without one.</summary>
    public Lease? Planner { get; init; }

    /// <summary>New documents, and those that must be read again. No document twice.</summary>
    public IReadOnlyList<SourceDocument> Due { get; init; } = [];

    /// <summary>Documents by id that are as they were, at a new place or with new facts, see <see cref="IDocumentStore.MarkSeenAsync"/>.</summary>
    public IReadOnlyList<(string DocumentId, SourceDocument Document, DateTimeOffset SeenAt)> Moved { get; init; } = [];

    /// <summary>Ids of documents that are gone from the source.</summary>
    public IReadOnlyList<string> Gone { get; init; } = [];
}
