using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Auth;

internal static class ClaimsPrincipalExtensions
{
    /// <summary>The caller. Only behind the authorization policy, which has seen to it that there is one.</summary>
    public static Principal GetPrincipal(this HttpContext context) =>
        context.User.ToPrincipal(context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value)
        ?? throw new InvalidOperationException("The endpoint was mapped without authorization.");

    /// <summary>Null when the token does not name a user, or not a tenant where one is asked for.</summary>
    public static Principal? ToPrincipal(this ClaimsPrincipal user, AuthOptions auth)
    {
        var id = user.FindFirstValue("sub");
        var tenant = auth.TenantClaim is null ? Principal.DefaultTenant : user.FindFirstValue(auth.TenantClaim);
        return string.IsNullOrEmpty(id) || string.IsNullOrEmpty(tenant)
            ? null
            : new Principal(tenant, id)
            {
                Groups = [.. user.FindAll(auth.GroupClaim).Select(claim => claim.Value)],
                IsAdmin = user.FindAll(auth.RoleClaim).Any(claim => claim.Value == auth.AdminRole),
            };
    }
}
