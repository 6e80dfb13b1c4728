namespace Slipway.Rag.Sources;

/// <summary>A place that documents come from: it lists what there is and opens one.</summary>
/// <remarks>
/// A source only reports; what is new, changed or gone is decided by the ingestion engine. Implementations are safe for
/// concurrent calls of <see cref="OpenAsync"/>, also while a listing is enumerated; listings and waits have one caller at a time.
/// Slipway.Rag.Testing states this contract as tests: derive from its <c>SourceSuite</c>.
/// </remarks>
public interface IDocumentSource
{
    /// <summary>
    /// The source's stable name, unique within a collection. It is part of a document's identity: a new name means new documents.
    /// </summary>
    string Name { get; }

    /// <summary>Lists everything there is, each document once and in any order, and what could not be listed.</summary>
    /// <remarks>
    /// A listing changes nothing and may be given up at any point. It is best made as it is read, so that a source of a million documents
    /// never holds them all. A document that changed since the last listing has another size or time, or its time is null and the engine
    /// reads it each time.
    /// </remarks>
    /// <exception cref="SlipwayException">
    /// The source as a whole cannot be listed (missing folder, refused credential). Nothing is deleted then.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; no further document is given out then.</exception>
    IAsyncEnumerable<SourceItem> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Opens a listed document's bytes, any number of times. It may have been listed by another process.</summary>
    /// <returns>A stream that the caller disposes, independent of all others.</returns>
    /// <exception cref="SlipwayException">
    /// The document cannot be opened, or is not there any more; the class says whether a retry makes sense.
    /// </exception>
    ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default);

    /// <summary>
    /// Completes when the source has reason to believe that something changed, or after <paramref name="atMost"/> at the latest.
    /// </summary>
    /// <param name="atMost">How long to wait. With zero it only begins to watch: what changes from then on ends the next wait.</param>
    /// <param name="timeProvider">The clock of <paramref name="atMost"/>.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <remarks>
    /// The engine's worker waits for zero, lists, and waits, so that nothing falls between a listing and a wait. The default only waits for
    /// the time to pass, which is right for a source that must be asked.
    /// </remarks>
    Task WaitForChangeAsync(
        TimeSpan atMost,
        TimeProvider timeProvider,
        CancellationToken cancellationToken = default
    ) => Task.Delay(atMost, timeProvider, cancellationToken);
}
