using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Startup;

/// <summary>Opens the database before anything else starts: migrations run, and a file that cannot be used stops the start.</summary>
internal sealed class StorageStart(IServiceProvider services) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken) =>
        // Resolved only now: the host makes its services before it checks the settings.
        await services
            .GetRequiredService<IDocumentStore>()
            .ListAsync(
                new DocumentQuery
                {
                    Collection = services.GetRequiredService<IOptions<RagOptions>>().Value.CollectionKey,
                    Principal = Principal.Local,
                    Limit = 1,
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
