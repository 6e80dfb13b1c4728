using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Storage.Internal;

/// <summary>
/// Publications with what is prepared before a transaction: text that can be stored, and postings, because analysis takes longer than
/// writing. Shared by the stores.
/// </summary>
internal static class PublicationBatch
{
    /// <summary>Prepares publications, on all cores where they are many.</summary>
    /// <exception cref="ArgumentException">They are of several collections.</exception>
    public static PreparedPublication[] Prepare(
        IReadOnlyList<DocumentPublication> publications,
        TextAnalyzer? analyzer,
        CancellationToken cancellationToken
    )
    {
        if (publications.DistinctBy(publication => publication.Collection).Count() > 1)
        {
            throw new ArgumentException("The publications are of several collections.", nameof(publications));
        }

        var prepared = new PreparedPublication[publications.Count];
        Parallel.For(
            0,
            prepared.Length,
            new ParallelOptions { CancellationToken = cancellationToken },
            i =>
            {
                var storable = StorableText.Of(publications[i]);
                var own = analyzer ?? new TextAnalyzer(storable.Analyzer);
                prepared[i] = new PreparedPublication(storable, own, DocumentPostings.Build(own, storable.Chunks));
            }
        );
        return prepared;
    }

    /// <summary>
    /// Publishes in one transaction, and once more without those that were in conflict: it is rolled back for them, so nothing of them
    /// stays.
    /// </summary>
    /// <param name="all">The publications.</param>
    /// <param name="publish">The transaction.</param>
    /// <returns>By publication; null for a conflict.</returns>
    public static async ValueTask<IReadOnlyList<(string DocumentId, int Version)?>> PublishAsync(
        IReadOnlyList<PreparedPublication> all,
        Func<IReadOnlyList<PreparedPublication>, ValueTask<IReadOnlyList<(string DocumentId, int Version)>>> publish
    )
    {
        // In one order for everybody: two who publish the same documents wait for each other instead of blocking each other.
        var remaining = all.OrderBy(publication => publication.LikelyId, StringComparer.Ordinal).ToList();
        while (remaining.Count > 0)
        {
            try
            {
                var published = await publish(remaining).ConfigureAwait(false);
                var results = remaining.Zip(published).ToDictionary(pair => pair.First, pair => pair.Second);
                return
                [
                    .. all.Select(publication =>
                        results.TryGetValue(publication, out var result) ? result : ((string, int)?)null
                    ),
                ];
            }
            catch (PublicationsInConflictException exception)
            {
                remaining.RemoveAll(exception.Publications.Contains);
            }
        }

        return new (string, int)?[all.Count];
    }
}

/// <summary>A publication that is ready to be written. Equal to itself alone.</summary>
internal sealed class PreparedPublication(
    DocumentPublication publication,
    TextAnalyzer analyzer,
    DocumentPostings postings
)
{
    public DocumentPublication Publication => publication;

    /// <summary>The id that the document has, or would get.</summary>
    public string LikelyId { get; } =
        publication.DocumentId
        ?? DocumentId.Derive(publication.Collection, publication.Source, publication.Document.ExternalId);

    /// <summary>The postings, if they are by the index's own analyser; null when somebody else made the index with another one meanwhile.</summary>
    public DocumentPostings? PostingsBy(TextAnalyzer own) => own.Options == analyzer.Options ? postings : null;
}

/// <summary>Rolls a transaction back for publications whose ledger has moved on.</summary>
internal sealed class PublicationsInConflictException(IReadOnlyCollection<PreparedPublication> publications) : Exception
{
    public IReadOnlyCollection<PreparedPublication> Publications => publications;
}
