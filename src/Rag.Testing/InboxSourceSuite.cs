using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>What is promised of every source, for the inbox over the store.</summary>
public abstract class InboxSourceSuite(OpenStore open)
    : SourceSuite(async (time, token) => new InboxPlace(await open(time, token), time))
{
    /// <summary>Each is a transaction.</summary>
    protected override int Many => 200;

    /// <summary>Documents come by push; nothing is renamed or made unreadable.</summary>
    private sealed class InboxPlace(StoreFixture store, TimeProvider time) : SourceFixture
    {
        private readonly Knowledge _knowledge = new(store, time);
        private readonly List<Knowledge> _others = [];

        public override IDocumentSource Source => _knowledge.Inbox.Source;

        public override bool NoticesChanges => true;

        public override async ValueTask<IDocumentSource> ReopenAsync(CancellationToken cancellationToken)
        {
            _others.Add(new Knowledge(await store.ReopenAsync(cancellationToken), time));
            return _others[^1].Inbox.Source;
        }

        public override async ValueTask WriteAsync(
            string name,
            ReadOnlyMemory<byte> content,
            CancellationToken cancellationToken
        )
        {
            using var stream = new MemoryStream(content.ToArray());
            await _knowledge.Inbox.AddAsync(stream, new PushedDocument(name), null, cancellationToken);
        }

        public override async ValueTask DeleteAsync(string name, CancellationToken cancellationToken) =>
            Assert.True(
                await _knowledge.Inbox.DeleteAsync(
                    Principal.Local,
                    DocumentId.Derive(CollectionKey.Default, Source.Name, name),
                    cancellationToken
                )
            );

        public override async ValueTask DisposeAsync()
        {
            foreach (var other in _others)
            {
                other.Dispose();
                await other.Store.DisposeAsync();
            }

            _knowledge.Dispose();
            await store.DisposeAsync();
        }
    }
}
