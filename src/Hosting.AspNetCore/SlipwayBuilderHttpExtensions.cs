using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway;
using Slipway.Agents;
using Slipway.Agents.Limits;
using Slipway.Hosting;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Chat;
using Slipway.Hosting.Completions;
using Slipway.Hosting.Conversations;
using Slipway.Hosting.Health;
using Slipway.Hosting.Identity;
using Slipway.Hosting.Knowledge;
using Slipway.Hosting.Problems;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the services that Slipway's endpoints need.</summary>
public static class SlipwayBuilderHttpExtensions
{
    /// <summary>Time in which a health check must have answered.</summary>
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Adds authentication, limits, health checks and the API's description. Endpoints are mapped with <c>app.MapSlipway()</c>. Without
    /// <c>Auth</c> the host starts in development only, on loopback, with one local user.
    /// </summary>
    /// <param name="builder">Slipway.</param>
    /// <param name="configure">Settings in code; they win over the section <c>Auth</c>.</param>
    public static ISlipwayBuilder AddHttpApi(this ISlipwayBuilder builder, Action<AuthOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddSlipwayAuth(configure);
        services.AddValidatedOptions<LimitsOptions, LimitsBinder>(null);
        services.TryAddSingleton(provider => new TurnLimiter(
            provider.GetRequiredService<ITurnLimitStore>(),
            provider.GetRequiredService<IOptions<LimitsOptions>>().Value.ForTurns(),
            new ModelPrices(provider.GetRequiredService<IOptions<AgentOptions>>().Value.Prices),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<TurnLimiter>>()
        ));
        services.TryAddSingleton<BareStatusFilter>();
        services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<BareStatusFilter>());
        services.ConfigureHttpJsonOptions(options =>
        {
            // For the API's description; the endpoints name their types themselves.
            var resolvers = options.SerializerOptions.TypeInfoResolverChain;
            resolvers.Insert(0, KnowledgeJsonContext.Default);
            resolvers.Insert(0, CompletionJsonContext.Default);
            resolvers.Insert(0, ChatJsonContext.Default);
            resolvers.Insert(0, ConversationJsonContext.Default);
            resolvers.Insert(0, IdentityJsonContext.Default);
            resolvers.Insert(0, ProblemJsonContext.Default);
        });
        services.AddOpenApi();
        services
            .AddHealthChecks()
            .AddCheck<DatabaseHealthCheck>("database", tags: [HealthEndpoints.ReadyTag], timeout: HealthTimeout)
            .AddCheck<ModelHealthCheck>("model");
        return builder;
    }
}
