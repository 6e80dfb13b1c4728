using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Auth;

internal static class AuthServiceCollectionExtensions
{
    /// <summary>Scheme and policy of Slipway's endpoints; an application's own schemes stay beside it.</summary>
    public const string Scheme = "Slipway";

    public const string TokenScheme = "Slipway.Token";
    private const string LocalScheme = "Slipway.Local";

    public static void AddSlipwayAuth(this IServiceCollection services, Action<AuthOptions>? configure)
    {
        services.AddValidatedOptions<AuthOptions, AuthBinder>(configure);
        services.AddHostedService<LoopbackOnly>();
        services.AddSingleton<IConfigureOptions<JwtBearerOptions>, TokenSetup>();
        services
            .AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, LocalAuthenticationHandler>(LocalScheme, null)
            .AddJwtBearer(TokenScheme, _ => { })
            .AddPolicyScheme(
                Scheme,
                null,
                options =>
                    options.ForwardDefaultSelector = context =>
                        context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value.UsesTokens
                            ? TokenScheme
                            : LocalScheme
            );
        services
            .AddAuthorizationBuilder()
            .AddPolicy(
                Scheme,
                policy =>
                    policy
                        .AddAuthenticationSchemes(Scheme)
                        .RequireAssertion(context =>
                            context.Resource is Microsoft.AspNetCore.Http.HttpContext http
                            && context.User.ToPrincipal(
                                http.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value
                            )
                                is not null
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
                                .WithExposedHeaders("x-vercel-ai-ui-message-stream", "Retry-After")
                    )
            );
    }
}
