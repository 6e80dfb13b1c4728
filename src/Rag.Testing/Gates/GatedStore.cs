using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;

namespace Slipway.Rag.Testing;

/// <summary>A store as a process has it whose calls pass a gate. The store itself is not disposed.</summary>
internal sealed class GatedStore(StoreFixture inner, Gate gate) : StoreFixture
{
    public override IDocumentStore Documents { get; } = GatedProxy<IDocumentStore>.Over(inner.Documents, gate);

    public override IInboxStore Inbox => inner.Inbox;

    public override IDocumentQueue Queue { get; } = GatedProxy<IDocumentQueue>.Over(inner.Queue, gate);

    public override ILeaseStore Leases { get; } = GatedProxy<ILeaseStore>.Over(inner.Leases, gate);

    public override IDocumentMaintenance Maintenance => inner.Maintenance;

    public override IStoreTables Tables => inner.Tables;

    public override IChangeSignal Changes => inner.Changes;

    public override ISearchIndex Search { get; } = GatedProxy<ISearchIndex>.Over(inner.Search, gate);

    public override IBlobStore Blobs => inner.Blobs;

    public override IPassageReader Passages => inner.Passages;

    public override ValueTask<StoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        inner.ReopenAsync(cancellationToken);

    public override ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        inner.ReadClockAsync(cancellationToken);

    public override ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken) =>
        inner.ShiftClockAsync(by, cancellationToken);

    public override ValueTask<long> CountAsync(StoredKind kind, CancellationToken cancellationToken) =>
        inner.CountAsync(kind, cancellationToken);

    public override ValueTask<bool> ContainsAsync(string text, CancellationToken cancellationToken) =>
        inner.ContainsAsync(text, cancellationToken);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
