using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Slipway.Hosting.Health;

/// <summary>Whether the process lives, and whether it can answer.</summary>
public static class HealthEndpoints
{
    internal const string ReadyTag = "ready";

    /// <summary>
    /// Maps <c>/health/live</c> (the process answers), <c>/health/ready</c> (the database does) and <c>/health</c> (the same, with every
    /// part). 503 when not. None needs a token.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwayHealth(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints.MapGroup("/health").AllowAnonymous();
        group.MapHealthChecks("", Options(_ => true));
        group.MapHealthChecks("/live", Options(_ => false));
        group.MapHealthChecks("/ready", Options(check => check.Tags.Contains(ReadyTag)));
        return group;
    }

    private static HealthCheckOptions Options(Func<HealthCheckRegistration, bool> predicate) =>
        new() { Predicate = predicate, ResponseWriter = WriteAsync };

    private static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        return Json.WriteAsync(
            context,
            new HealthView(
                report.Status.ToString().ToLowerInvariant(),
                time.GetUtcNow(),
                report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Status == HealthStatus.Healthy)
            ),
            HealthJsonContext.Default.HealthView
        );
    }
}

/// <summary>The older system's shape; why a part is not well stands in the log, not before everyone.</summary>
/// <param name="Status">healthy, degraded (a model is out of reach; everything else works) or unhealthy.</param>
/// <param name="Timestamp">Now, UTC.</param>
/// <param name="Services">Each part, and whether it is well.</param>
internal sealed record HealthView(string Status, DateTimeOffset Timestamp, IReadOnlyDictionary<string, bool> Services);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HealthView))]
internal sealed partial class HealthJsonContext : JsonSerializerContext;
