using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Slipway;
using Slipway.Hosting.Chat;
using Slipway.Hosting.Completions;
using Slipway.Hosting.Conversations;
using Slipway.Hosting.Health;
using Slipway.Hosting.Identity;
using Slipway.Hosting.Knowledge;
using Slipway.Hosting.OpenApi;
using Slipway.Hosting.Problems;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps Slipway's endpoints.</summary>
public static class SlipwayEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps every group: chat, OpenAI-compatible completions, conversations, search, documents, the caller, API keys, health; the API's description in development. Each has
    /// a <c>MapSlipway…</c> method of its own for hosts that want fewer.
    /// </summary>
    /// <exception cref="SlipwayException"><c>AddHttpApi()</c> was not called.</exception>
    public static void MapSlipway(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints.ServiceProvider.GetService<BareStatusFilter>() is null)
        {
            throw new SlipwayException(
                ErrorClass.Configuration,
                "MapSlipway() was called, but the services of the endpoints are not there.",
                "Call builder.AddSlipway(slipway => slipway.AddHttpApi()) before the application is built."
            );
        }

        endpoints.MapSlipwayChat();
        endpoints.MapSlipwayCompletions();
        endpoints.MapSlipwayConversations();
        endpoints.MapSlipwaySearch();
        endpoints.MapSlipwayDocuments();
        endpoints.MapSlipwayMe();
        endpoints.MapSlipwayApiKeys();
        endpoints.MapSlipwayHealth();
        if (endpoints.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment())
        {
            endpoints.MapSlipwayOpenApi();
        }
    }
}
