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
        cancellationToken.ThrowIfCancellationRequested();
        await foreach (var document in inbox.ReadInboxAsync(collection, cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return document;
        }
    }

    public async ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
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
        cancellationToken.ThrowIfCancellationRequested();
        using var interval = new CancellationTokenSource(atMost, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(interval.Token, cancellationToken);
        // It lives on between waits, so that what is pushed during a run is not missed.
        _subscription ??= await changes
            .SubscribeAsync(ChangeTopic.Collection(collection.Tenant, collection.Collection), cancellationToken)
            .ConfigureAwait(false);
        try
        {
            do
            {
                await _subscription.WaitAsync(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(false);
            } while (!await inbox.HasPendingAsync(collection, either.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // the interval, by the clock that was given; the store's may be another
        }
    }

    public void Dispose() => _subscription?.Dispose();
}
