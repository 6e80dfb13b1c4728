namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>
/// A server of their own for the tests that stop it, as durable as in production: it answers a commit when the disk has it. They run one
/// after the other.
/// </summary>
public sealed class FaultServer : IAsyncDisposable
{
    private IOwnPostgres? _server;

    /// <summary>The server, up. Not in the constructor, so that a test can be skipped.</summary>
    internal async Task<IOwnPostgres> GetAsync() =>
        _server ??= await PostgresServer.StartOwnAsync("shared_buffers=64MB");

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}

[CollectionDefinition(nameof(FaultServer))]
public sealed class FaultServerGroup : ICollectionFixture<FaultServer>;
