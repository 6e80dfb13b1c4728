using System.Runtime.CompilerServices;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Sources;

/// <summary>The documents that were pushed, as a source: the same engine reads them.</summary>
internal sealed class InboxSource(CollectionKey collection, IInboxStore inbox, IBlobStore blobs)
    : IDocumentSource,
        IDisposable
{
    public const string SourceName = "inbox";

    private readonly SemaphoreSlim _arrived = new(0);

    public string Name => SourceName;

    public void Signal() => _arrived.Release();

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
        using var timeout = new CancellationTokenSource(atMost, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _arrived.WaitAsync(either.Token).ConfigureAwait(false);
            while (_arrived.Wait(0, CancellationToken.None)) { } // one run serves all that came together
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // nothing came: the interval's comparison
        }
    }

    public void Dispose() => _arrived.Dispose();
}
