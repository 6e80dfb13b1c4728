using System.Runtime.CompilerServices;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Testing;

/// <summary>The source as one process sees it.</summary>
internal sealed class WorkerSource(SimulatedSource source, Gate gate) : IDocumentSource
{
    public string Name => SimulatedSource.Name;

    public async IAsyncEnumerable<SourceItem> ListAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var listing = await gate.PassAsync(
            new GatedCall("source.list", cancellationToken),
            () => Task.FromResult(source.List())
        );
        foreach (var item in listing.Items)
        {
            yield return item;
        }

        if (listing.Fails)
        {
            throw new SlipwayException(ErrorClass.Transient, "The listing broke off.");
        }
    }

    public async ValueTask<Stream> OpenAsync(SourceDocument document, CancellationToken cancellationToken = default) =>
        await gate.PassAsync<Stream>(
            new GatedCall("source.open", document, cancellationToken),
            () =>
                Task.FromResult<Stream>(
                    source.Find(document.ExternalId) is { } found
                        ? new MemoryStream(found.Bytes, writable: false)
                        : throw new SlipwayException(ErrorClass.Transient, $"'{document.Name}' is not there any more.")
                )
        );
}
