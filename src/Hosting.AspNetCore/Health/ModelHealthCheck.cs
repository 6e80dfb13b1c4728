using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Slipway.Hosting.Models;

namespace Slipway.Hosting.Health;

/// <summary>Shows a provider's outage as degraded: it must not take every instance out of service.</summary>
internal sealed class ModelHealthCheck(IServiceProvider services) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            services.GetService<ModelHealth>()?.Failure is { } failure
                ? HealthCheckResult.Degraded(failure)
                : HealthCheckResult.Healthy()
        );
}
