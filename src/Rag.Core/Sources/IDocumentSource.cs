namespace Slipway.Rag.Sources;

/// <summary>A place that documents come from: it lists what there is and opens one.</summary>
/// <remarks>
/// A source only reports; what is new, changed or gone is decided by the ingestion engine. Implementations are safe for
/// concurrent calls of <see cref="OpenAsync"/>; a listing is enumerated by one caller at a time.
/// </remarks>
public interface IDocumentSource
{
    /// <summary>
    /// The source's stable name, unique within a collection. It is part of a document's identity: a new name means new documents.
    /// </summary>
    string Name { get; }

    /// <summary>Lists everything there is, and what could not be listed.</summary>
    /// <exception cref="SlipwayException">
    /// The source as a whole cannot be listed (missing folder, refused credential). Nothing is deleted then.
    /// </exception>
    IAsyncEnumerable<SourceItem> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Opens a listed document's bytes.</summary>
    /// <returns>A stream that the caller disposes.</returns>
    /// <exception cref="SlipwayException">The document cannot be opened; the class says whether a retry makes sense.</exception>
    ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default);

    /// <summary>
    /// Completes when the source has reason to believe that something changed, or after <paramref name="atMost"/> at the latest.
    /// </summary>
    Task WaitForChangeAsync(
        TimeSpan atMost,
        TimeProvider timeProvider,
        CancellationToken cancellationToken = default
    ) => Task.Delay(atMost, timeProvider, cancellationToken);
}
