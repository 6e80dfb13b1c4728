using System.Runtime.CompilerServices;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Sources;

/// <summary>The documents that were pushed, as a source: the same engine reads them.</summary>
internal sealed class InboxSource(CollectionKey collection, IInboxStore inbox, IBlobStore blobs, IChangeSignal changes)
    : IDocumentSource,
        IDisposable
{
    public const string SourceName = "inbox";

    private IChangeSubscription? _subscription;

    public string Name => SourceName;

    public async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await foreach (var document in inbox.ReadInboxAsync(collection, cancellationToken).ConfigureAwait(false))
        {
            yield return document;
        }
    }

    public async ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default)
    {
        var hash = await inbox.FindBlobAsync(collection, document.ExternalId, cancellationToken).ConfigureAwait(false);
        var stream = hash is null
            ? null
            : await blobs.OpenAsync(collection.Tenant, hash, cancellationToken).ConfigureAwait(false);
        return stream
            ?? throw new SlipwayException(
                ErrorClass.Permanent,
                $"The bytes of '{document.Name}' are not in the database any more.",
                "Add the document again."
            );
    }

    public async Task WaitForChangeAsync(
        TimeSpan atMost,
        TimeProvider timeProvider,
        CancellationToken cancellationToken = default
    )
    {
        // It lives on between waits, so that what is pushed during a run is not missed.
        _subscription ??= await changes
            .SubscribeAsync(ChangeTopic.Collection(collection.Tenant, collection.Collection), cancellationToken)
            .ConfigureAwait(false);
        var start = timeProvider.GetTimestamp();
        while (
            Left(start) is var left
            && await _subscription.WaitAsync(left, cancellationToken).ConfigureAwait(false)
            && !await inbox.HasPendingAsync(collection, cancellationToken).ConfigureAwait(false)
        ) { }

        TimeSpan Left(long since) =>
            timeProvider.GetElapsedTime(since) is var elapsed && elapsed < atMost ? atMost - elapsed : TimeSpan.Zero;
    }

    public void Dispose() => _subscription?.Dispose();
}
