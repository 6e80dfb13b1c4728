using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Auth;

/// <summary>What an API key must be allowed to call an endpoint. An endpoint without one is closed to keys.</summary>
/// <param name="Name">One of <see cref="Slipway.Identity.ApiKeyScopes"/>; null for any key.</param>
internal sealed record RequiredScope(string? Name);

/// <summary>Who may call an endpoint.</summary>
internal static class CallerAccess
{
    /// <summary>Lets API keys call that have this scope; null for any key.</summary>
    public static TBuilder AllowKeys<TBuilder>(this TBuilder endpoints, string? scope)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new RequiredScope(scope));

    /// <summary>Lets only admins call. Before <see cref="EndpointConventions.ForCallers"/>, which says what is wrong.</summary>
    public static TBuilder OnlyAdmins<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoints.Add(endpoint =>
        {
            var handler = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = async context =>
            {
                if (!(await context.GetPrincipalWithRoleAsync().ConfigureAwait(false)).IsAdmin)
                {
                    throw new Problem(
                        StatusCodes.Status403Forbidden,
                        "This is for admins: by a claim of the token (Auth:RoleClaim, Auth:AdminRole), by is_admin in the table of users, or by "
                            + "the scope 'admin' of an API key."
                    ).ToException();
                }

                await handler(context).ConfigureAwait(false);
            };
        });
        return endpoints;
    }

    /// <summary>Why a caller may not call the endpoint; null when they may.</summary>
    public static string? FindRefusal(this HttpContext context, ClaimsPrincipal user)
    {
        var auth = context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value;
        if (user.ToPrincipal(auth) is null)
        {
            return auth.TenantClaim is null
                ? "The token is valid, but names no user in 'sub'."
                : $"The token is valid, but names no user in 'sub' or no tenant in '{auth.TenantClaim}'.";
        }

        if (!user.IsApiKey())
        {
            return null;
        }

        return context.GetEndpoint()?.Metadata.GetMetadata<RequiredScope>() switch
        {
            null => "This is not open to API keys.",
            { Name: { } scope } when !user.HasScope(scope) =>
                $"The API key '{user.FindFirstValue(ApiKeyHandler.KeyClaim)}' does not have the scope '{scope}'.",
            _ => null,
        };
    }
}
