using System.Collections;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval;

/// <summary>What to search for, where, and for whom.</summary>
public sealed record RetrievalRequest
{
    /// <summary>The question or the words.</summary>
    public required string Query { get; init; }

    /// <summary>Passages wanted, 1 to 1,000. Default 8.</summary>
    public int Count { get; init; } = 8;

    /// <summary>The collection. Default <see cref="CollectionKey.Default"/>.</summary>
    public CollectionKey Collection { get; init; } = CollectionKey.Default;

    /// <summary>Who asks: only what this principal may read is searched.</summary>
    public required Principal Principal { get; init; }

    /// <summary>Which documents are searched; null for all. <see cref="Count"/> passages are found when so many match.</summary>
    public SearchFilter? Filter { get; init; }
}

/// <summary>Passages, best first.</summary>
/// <param name="passages">The passages.</param>
/// <param name="note">See <see cref="Note"/>.</param>
public sealed class RetrievalResult(IReadOnlyList<Passage> passages, string? note = null) : IReadOnlyList<Passage>
{
    /// <summary>What should be known about the result, such as that the embedding model could not be asked; null when all is well.</summary>
    public string? Note { get; } = note;

    /// <inheritdoc/>
    public int Count => passages.Count;

    /// <inheritdoc/>
    public Passage this[int index] => passages[index];

    /// <inheritdoc/>
    public IEnumerator<Passage> GetEnumerator() => passages.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
