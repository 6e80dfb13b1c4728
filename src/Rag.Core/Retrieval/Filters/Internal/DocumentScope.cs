using Slipway.Rag.Storage;

namespace Slipway.Rag.Retrieval.Filters.Internal;

/// <summary>Which documents one query may find: what its principal may read and its filter lets through. Used by one caller at a time.</summary>
internal abstract class DocumentScope
{
    // When a quarter of the best pass, this many times the wanted number are enough; when fewer do, the set is cheaper than asking on.
    private const int Ahead = 4;

    /// <summary>The answers, when they are in memory or cost next to nothing to read; null otherwise.</summary>
    protected abstract ValueTask<KnownDocuments?> FindKnownAsync(CancellationToken cancellationToken);

    /// <summary>Those of the given documents that are in.</summary>
    public abstract ValueTask<IReadOnlySet<string>> FindAmongAsync(
        IReadOnlyCollection<string> documentIds,
        CancellationToken cancellationToken
    );

    /// <summary>Reads all answers into memory.</summary>
    protected abstract ValueTask<KnownDocuments> LoadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The best chunks of the documents that are in. Either these are known, or the best of all are asked about in one go; the set is read
    /// only when too few of them were in. In each case the result is that of ranking everything.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <param name="best">Ranks: so many of the best, of those documents for which the function is true, or of all when it is null.</param>
    /// <param name="cancellationToken">Cancels the questions.</param>
    public async ValueTask<IReadOnlyList<ScoredChunk>> BestAsync(
        int count,
        Func<int, Func<string, bool>?, IReadOnlyList<ScoredChunk>> best,
        CancellationToken cancellationToken
    )
    {
        if (await FindKnownAsync(cancellationToken).ConfigureAwait(false) is { } known)
        {
            return best(count, known.IsIncluded);
        }

        var wanted = (int)Math.Min((long)Ahead * count, Array.MaxLength);
        var ahead = best(wanted, null);
        var included = await FindAmongAsync(
                ahead.Select(chunk => chunk.DocumentId).ToHashSet(StringComparer.Ordinal),
                cancellationToken
            )
            .ConfigureAwait(false);
        var found = ahead.Where(chunk => included.Contains(chunk.DocumentId)).Take(count).ToArray();
        if (found.Length == count || ahead.Count < wanted)
        {
            return found;
        }

        cancellationToken.ThrowIfCancellationRequested();
        return best(count, (await LoadAsync(cancellationToken).ConfigureAwait(false)).IsIncluded);
    }
}

/// <summary>Answers in memory.</summary>
/// <param name="IsIncluded">Whether a document is in; null when all are.</param>
internal readonly record struct KnownDocuments(Func<string, bool>? IsIncluded);
