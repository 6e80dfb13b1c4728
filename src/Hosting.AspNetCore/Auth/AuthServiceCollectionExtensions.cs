using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Identity;

namespace Slipway.Hosting.Auth;

internal static class AuthServiceCollectionExtensions
{
    /// <summary>Scheme and policy of Slipway's endpoints; an application's own schemes stay beside it.</summary>
    public const string Scheme = "Slipway";

    public const string TokenScheme = "Slipway.Token";
    public const string ApiKeyScheme = "Slipway.ApiKey";
    private const string UserEndpointScheme = "Slipway.UserEndpoint";
    private const string LocalScheme = "Slipway.Local";

    public static void AddSlipwayAuth(this IServiceCollection services, Action<AuthOptions>? configure)
    {
        services.AddValidatedOptions<AuthOptions, AuthBinder>(configure);
        services.AddHostedService<LoopbackOnly>();
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, TokenSetup>();
        services.TryAddSingleton<ApiKeyUse>();
        services.TryAddSingleton<UserEndpoint>();
        services
            .AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, LocalAuthenticationHandler>(LocalScheme, null)
            .AddJwtBearer(TokenScheme, _ => { })
            .AddScheme<AuthenticationSchemeOptions, UserEndpointHandler>(UserEndpointScheme, null)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyScheme, null)
            .AddPolicyScheme(Scheme, null, options => options.ForwardDefaultSelector = SelectScheme);
        services
            .AddAuthorizationBuilder()
            .AddPolicy(
                Scheme,
                policy =>
                    policy
                        .AddAuthenticationSchemes(Scheme)
                        .RequireAssertion(context =>
                            context.Resource is HttpContext http && http.FindRefusal(context.User) is null
                        )
            );
        services
            .AddCors()
            .AddOptions<Microsoft.AspNetCore.Cors.Infrastructure.CorsOptions>()
            .Configure<IOptions<AuthOptions>>(
                (cors, auth) =>
                    cors.AddPolicy(
                        Scheme,
                        policy =>
                            policy
                                .SetIsOriginAllowed(origin => LocalAuthenticationHandler.IsAllowed(origin, auth.Value))
                                .AllowAnyMethod()
                                .AllowAnyHeader()
                                .WithExposedHeaders(
                                    "x-vercel-ai-ui-message-stream",
                                    "Retry-After",
                                    "Content-Disposition"
                                )
                    )
            );
    }

    private static string SelectScheme(HttpContext context)
    {
        var auth = context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value;
        var isKey =
            BearerHandler.TokenOf(context.Request)?.StartsWith(ApiKeyText.Prefix, StringComparison.Ordinal) == true;
        return !auth.IsSet ? LocalScheme
            : auth.ApiKeys && (isKey || !auth.UsesTokens) ? ApiKeyScheme
            : auth.UserEndpoint is not null ? UserEndpointScheme
            : TokenScheme;
    }
}
