using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Health;

/// <summary>Asks the database something that only a working one answers.</summary>
internal sealed class DatabaseHealthCheck(IDocumentStore documents, IOptions<RagOptions> rag) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            await documents
                .ListAsync(
                    new DocumentQuery
                    {
                        Collection = rag.Value.CollectionKey,
                        Principal = Principal.Local,
                        Limit = 1,
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            return HealthCheckResult.Healthy();
        }
        catch (SlipwayException exception)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, exception.Message, exception);
        }
    }
}
