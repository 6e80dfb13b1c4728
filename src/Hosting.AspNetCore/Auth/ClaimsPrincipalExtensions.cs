using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Identity;

namespace Slipway.Hosting.Auth;

internal static class ClaimsPrincipalExtensions
{
    /// <summary>The caller. Only behind the authorization policy, which has seen to it that there is one.</summary>
    public static Principal GetPrincipal(this HttpContext context) =>
        context.User.ToPrincipal(context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value)
        ?? throw new InvalidOperationException("The endpoint was mapped without authorization.");

    /// <summary>The caller, an admin also where only the table of users says so: for what admins may do.</summary>
    public static async ValueTask<Principal> GetPrincipalWithRoleAsync(this HttpContext context)
    {
        var principal = context.GetPrincipal();
        // A key has the role by its scope alone, however mighty the user is that it acts as.
        if (
            principal.IsAdmin
            || context.User.IsApiKey()
            || context.RequestServices.GetService<IUserStore>() is not { } users
        )
        {
            return principal;
        }

        var profile = await users.FindAsync(principal, context.RequestAborted).ConfigureAwait(false);
        return profile?.IsAdmin == true ? principal with { IsAdmin = true } : principal;
    }

    /// <summary>Null when the token does not name a user, or not a tenant where one is asked for.</summary>
    public static Principal? ToPrincipal(this ClaimsPrincipal user, AuthOptions auth)
    {
        if (user.IsApiKey())
        {
            return new Principal(user.FindFirstValue(ApiKeyHandler.TenantClaim)!, user.FindFirstValue("sub")!)
            {
                IsAdmin = user.HasScope(ApiKeyScopes.Admin),
            };
        }

        var id = user.FindFirstValue("sub");
        var tenant = auth.TenantClaim is null ? Principal.DefaultTenant : user.FindFirstValue(auth.TenantClaim);
        return string.IsNullOrEmpty(id) || string.IsNullOrEmpty(tenant)
            ? null
            : new Principal(tenant, id)
            {
                Groups = [.. user.FindValues(auth.GroupClaim)],
                IsAdmin = user.FindValues(auth.RoleClaim).Contains(auth.AdminRole, StringComparer.Ordinal),
            };
    }

    /// <summary>By the scheme that made the identity: no claim of a token can pretend it.</summary>
    public static bool IsApiKey(this ClaimsPrincipal user) =>
        user.Identity?.AuthenticationType == AuthServiceCollectionExtensions.ApiKeyScheme;

    /// <summary>Whether a caller may do what a scope stands for: of people none is asked.</summary>
    public static bool HasScope(this ClaimsPrincipal user, string scope) =>
        !user.IsApiKey() || user.HasClaim(ApiKeyHandler.ScopeClaim, scope);

    /// <summary>The values of a claim, or of what lies in a claim that is a JSON object: <c>app_metadata.roles</c>.</summary>
    public static IEnumerable<string> FindValues(this ClaimsPrincipal user, string path)
    {
        var values = user.FindAll(path).Select(claim => claim.Value).ToList();
        for (
            var dot = path.IndexOf('.', StringComparison.Ordinal);
            dot > 0 && values.Count == 0;
            dot = path.IndexOf('.', dot + 1)
        )
        {
            values.AddRange(
                user.FindAll(path[..dot]).SelectMany(claim => Within(claim.Value, path[(dot + 1)..].Split('.')))
            );
        }

        return values;
    }

    private static List<string> Within(string json, string[] path)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var value = document.RootElement;
            foreach (var name in path)
            {
                if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
                {
                    return [];
                }
            }

            return
            [
                .. (value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value])
                    .Where(item => item.ValueKind == JsonValueKind.String)
                    .Select(item => item.GetString()!),
            ];
        }
        catch (JsonException)
        {
            return []; // a claim that is no object
        }
    }
}
