using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Storage.Internal;

/// <summary>
/// Publications with what is prepared before a transaction: text that can be stored, and postings, because analysis takes longer than
/// writing. Shared by the stores.
/// </summary>
internal static class PublicationBatch
{
    /// <summary>Prepares publications, on all cores where they are many, and publishes them.</summary>
    /// <param name="publications">The publications.</param>
    /// <param name="analyzer">The index's; null when there is none yet.</param>
    /// <param name="sideBySide">
    /// Whether analysis goes on while the transaction writes: worth it where the database works elsewhere and there is much to write first.
    /// </param>
    /// <param name="publish">The transaction.</param>
    /// <param name="cancellationToken">Cancels the analysis.</param>
    /// <returns>By publication; null for a conflict.</returns>
    /// <exception cref="ArgumentException">They are of several collections.</exception>
    public static async ValueTask<IReadOnlyList<(string DocumentId, int Version)?>> PublishAsync(
        IReadOnlyList<DocumentPublication> publications,
        TextAnalyzer? analyzer,
        bool sideBySide,
        Func<IReadOnlyList<PreparedPublication>, ValueTask<IReadOnlyList<(string DocumentId, int Version)>>> publish,
        CancellationToken cancellationToken
    )
    {
        if (publications.DistinctBy(publication => publication.Collection).Count() > 1)
        {
            throw new ArgumentException("The publications are of several collections.", nameof(publications));
        }

        var prepared = publications
            .Select(publication => StorableText.Of(publication))
            .Select(publication => new PreparedPublication(
                publication,
                analyzer ?? new TextAnalyzer(publication.Analyzer)
            ))
            .ToArray();
        if (!sideBySide)
        {
            Analyze(Environment.ProcessorCount);
            return await PublishAsync(prepared, publish).ConfigureAwait(false);
        }

        var analysis = Task.Run(() => Analyze(Environment.ProcessorCount - 1), cancellationToken);
        try
        {
            return await PublishAsync(prepared, publish).ConfigureAwait(false);
        }
        finally
        {
            await analysis.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Side by side a thread is left to the transaction.
        void Analyze(int threads) =>
            Parallel.ForEach(
                prepared,
                new ParallelOptions
                {
                    CancellationToken = cancellationToken,
                    MaxDegreeOfParallelism = Math.Max(1, threads),
                },
                publication => publication.Analyze()
            );
    }

    /// <summary>
    /// Publishes in one transaction, and once more without those that were in conflict: it is rolled back for them, so nothing of them
    /// stays.
    /// </summary>
    private static async ValueTask<IReadOnlyList<(string DocumentId, int Version)?>> PublishAsync(
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
internal sealed class PreparedPublication(DocumentPublication publication, TextAnalyzer analyzer)
{
    private readonly Lazy<DocumentPostings> _postings = new(() => DocumentPostings.Build(analyzer, publication.Chunks));

    public DocumentPublication Publication => publication;

    /// <summary>The id that the document has, or would get.</summary>
    public string LikelyId { get; } =
        publication.DocumentId
        ?? DocumentId.Derive(publication.Collection, publication.Source, publication.Document.ExternalId);

    public void Analyze() => _ = _postings.Value;

    /// <summary>The postings by the index's own analyser: those prepared, unless somebody else made the index with another one meanwhile.</summary>
    public DocumentPostings PostingsBy(TextAnalyzer own) =>
        own.Options == analyzer.Options ? _postings.Value : DocumentPostings.Build(own, publication.Chunks);
}

/// <summary>Rolls a transaction back for publications whose ledger has moved on.</summary>
internal sealed class PublicationsInConflictException(IReadOnlyCollection<PreparedPublication> publications) : Exception
{
    public IReadOnlyCollection<PreparedPublication> Publications => publications;
}
