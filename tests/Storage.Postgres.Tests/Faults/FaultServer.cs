namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>
/// A server of their own for the tests that stop it. They run one after the other. It answers a commit when the kernel has it, which
/// outlives a killed process; only a machine that loses power could tell the difference.
/// </summary>
public sealed class FaultServer : IAsyncDisposable
{
    private IOwnPostgres? _server;

    /// <summary>The server, up. Not in the constructor, so that a test can be skipped.</summary>
    internal async Task<IOwnPostgres> GetAsync() =>
        _server ??= await PostgresServer.StartOwnAsync("fsync=off", "shared_buffers=64MB");

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}

[CollectionDefinition(nameof(FaultServer))]
public sealed class FaultServerGroup : ICollectionFixture<FaultServer>;
