using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

internal static class PrincipalText
{
    /// <summary>The caller as the endpoints see it: tenant, user, groups, role.</summary>
    public static async Task<string> GetPrincipalForTest(this HttpContext context)
    {
        var result = await context.AuthenticateAsync("Slipway");
        var auth = context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value;
        return result.Principal?.ToPrincipal(auth) is { } principal
            ? $"{principal.Tenant}/{principal.Id} {string.Join(',', principal.Groups)} {(principal.IsAdmin ? "admin" : "user")}"
            : "none";
    }
}
