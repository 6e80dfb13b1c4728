using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Scalar.AspNetCore;

namespace Slipway.Hosting.OpenApi;

/// <summary>The description of the API.</summary>
public static class OpenApiEndpoints
{
    /// <summary>
    /// Maps <c>/openapi/v1.json</c> and its user interface at <c>/scalar</c>. They show routes and shapes, no data, and need no token:
    /// <c>MapSlipway</c> maps them in development only.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwayOpenApi(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints.MapGroup("").AllowAnonymous();
        group.MapOpenApi();
        group.MapScalarApiReference(options => options.DisableDefaultFonts().DisableTelemetry());
        return group;
    }
}
