using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Ingestion;

/// <summary>Push ingestion: hand a document over, follow it, wait for it, take it back.</summary>
/// <remarks>
/// What was accepted is in the database before <see cref="AddAsync"/> returns and survives a crash. It is read by whoever runs
/// <see cref="Source"/> through the <see cref="IngestionPipeline"/>: the hosted worker, or <see cref="ProcessAsync"/>. Safe for
/// concurrent use.
/// </remarks>
public sealed class DocumentInbox : IDisposable
{
    /// <summary>When <see cref="WaitAsync"/> looks again unasked: whoever changed the document may be a release that sends no signals.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly IDocumentStore _documents;
    private readonly IInboxStore _inbox;
    private readonly IBlobStore _blobs;
    private readonly IChangeSignal _changes;
    private readonly IngestionPipeline _pipeline;
    private readonly CollectionKey _collection;
    private readonly TimeProvider _time;
    private readonly InboxSource _source;

    /// <summary>Creates the inbox of one collection. Nothing handed in is disposed.</summary>
    public DocumentInbox(
        IDocumentStore documents,
        IInboxStore inbox,
        IBlobStore blobs,
        IChangeSignal changes,
        IngestionPipeline pipeline,
        CollectionKey collection,
        TimeProvider timeProvider
    )
    {
        _documents = documents;
        _inbox = inbox;
        _blobs = blobs;
        _changes = changes;
        _pipeline = pipeline;
        _collection = collection;
        _time = timeProvider;
        _source = new InboxSource(collection, inbox, blobs, changes);
    }

    /// <summary>The inbox as a source, for the worker that runs all sources.</summary>
    public IDocumentSource Source => _source;

    /// <summary>Accepts a document.</summary>
    /// <param name="content">Its bytes, read to the end; not disposed.</param>
    /// <param name="document">What is known about it.</param>
    /// <param name="principals">Who may read it, as <see cref="Principal.AccessNames"/>; null or empty means everyone in the tenant.</param>
    /// <param name="cancellationToken">Cancels before it is accepted.</param>
    /// <returns>The document's id, the same for every content that is pushed under the same external id.</returns>
    public async ValueTask<string> AddAsync(
        Stream content,
        PushedDocument document,
        IReadOnlyList<string>? principals = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentException.ThrowIfNullOrWhiteSpace(document.Name);
        var (hash, length) = await _blobs
            .PutAsync(_collection.Tenant, content, cancellationToken)
            .ConfigureAwait(false);
        return await _inbox
            .EnqueueAsync(
                _collection,
                new SourceDocument
                {
                    ExternalId = document.ExternalId ?? document.Name,
                    Name = document.Name,
                    MediaType = document.MediaType,
                    Title = document.Title,
                    Uri = document.Uri,
                    Size = length,
                    ModifiedAt = _time.GetUtcNow(),
                    Metadata = document.Metadata,
                    Principals = principals ?? [],
                },
                hash,
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <summary>Where a document stands; null when there is none that the principal may read.</summary>
    public ValueTask<DocumentInfo?> GetStatusAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    ) => _documents.FindAsync(principal, documentId, cancellationToken);

    /// <summary>Waits until a document is no longer pending: published, failed, quarantined or skipped.</summary>
    /// <returns>Where it stands then; null when it is gone.</returns>
    public async ValueTask<DocumentInfo?> WaitAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    )
    {
        using var changes = await _changes
            .SubscribeAsync(ChangeTopic.Document(documentId), cancellationToken)
            .ConfigureAwait(false);
        while (true)
        {
            var document = await _documents.FindAsync(principal, documentId, cancellationToken).ConfigureAwait(false);
            if (document is not { State: DocumentState.Pending })
            {
                return document;
            }

            await changes.WaitAsync(LookAgain, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Deletes a document that was pushed. Answers do not find it after this returns.</summary>
    /// <returns>False when there is no such pushed document: a listed one would come back with the next listing.</returns>
    public async ValueTask<bool> DeleteAsync(
        Principal principal,
        string documentId,
        CancellationToken cancellationToken = default
    )
    {
        var document = await _documents.FindAsync(principal, documentId, cancellationToken).ConfigureAwait(false);
        return document is { Source: InboxSource.SourceName }
            && await _documents.DeleteAsync(_collection, [documentId], cancellationToken).ConfigureAwait(false) > 0;
    }

    /// <summary>Reads what is pending, now, in this process.</summary>
    public Task<IngestionReport> ProcessAsync(CancellationToken cancellationToken = default) =>
        _pipeline.RunAsync(_source, _collection, null, cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _source.Dispose();
}

/// <summary>What is known about a document that is pushed.</summary>
/// <param name="Name">Its name, with extension.</param>
public sealed record PushedDocument(string Name)
{
    /// <summary>Identity; pushing under the same one replaces the content. Default: the name.</summary>
    public string? ExternalId { get; init; }

    /// <summary>Media type if it is known for certain.</summary>
    public string? MediaType { get; init; }

    /// <summary>Title; null lets the reader find one.</summary>
    public string? Title { get; init; }

    /// <summary>Where the original can be opened, if anywhere.</summary>
    public string? Uri { get; init; }

    /// <summary>Facts about the document, stored with it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>(0);
}
