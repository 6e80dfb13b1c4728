using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Identity;

namespace Slipway.Hosting.Identity;

/// <summary>Who the caller is.</summary>
public static class CallerEndpoints
{
    private const int MaxNameLength = 200;

    /// <summary>Maps <c>/api/me</c>: who the caller is and what they may do, and how they want to be called.</summary>
    public static IEndpointConventionBuilder MapSlipwayMe(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints
            .MapGroup("/api/me")
            .WithTags("Me")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .AllowKeys(scope: null)
            .ForCallers(limits => limits.MaxRequestBytes);
        group
            .MapGet("", GetAsync)
            .WithName("me")
            .WithSummary("Who is calling: user, tenant, groups, admin or not, and the scopes of an API key.")
            .Produces<CallerView>();
        group
            .MapPatch("", ChangeAsync)
            .WithName("change-me")
            .WithSummary("Changes how the caller wants to be called; null takes the name away.")
            .Accepts<CallerChange>("application/json")
            .Produces<CallerView>()
            .ProducesProblem(StatusCodes.Status400BadRequest);
        return group;
    }

    private static async Task<IResult> GetAsync(HttpContext context, IUserStore users)
    {
        var profile = await users.FindAsync(context.GetPrincipal(), context.RequestAborted).ConfigureAwait(false);
        return Json.Result(View(context, profile), IdentityJsonContext.Default.CallerView);
    }

    private static async Task<IResult> ChangeAsync(HttpContext context, IUserStore users)
    {
        var change = await context.ReadBodyAsync(IdentityJsonContext.Default.CallerChange).ConfigureAwait(false);
        var name = change.DisplayName?.Trim() is { Length: > 0 } given ? given : null;
        if (name is not null && (name.Length > MaxNameLength || name.Any(char.IsControl)))
        {
            throw Problem
                .Invalid($"'displayName' may have up to {MaxNameLength} characters, and no control characters.")
                .ToException();
        }

        var profile = await users
            .SaveAsync(context.GetPrincipal(), name, context.User.FindFirstValue("email"), context.RequestAborted)
            .ConfigureAwait(false);
        return Json.Result(View(context, profile), IdentityJsonContext.Default.CallerView);
    }

    private static CallerView View(HttpContext context, UserProfile? profile)
    {
        var (principal, user) = (context.GetPrincipal(), context.User);
        return new CallerView
        {
            Id = principal.Id,
            Tenant = principal.Tenant,
            DisplayName = profile?.DisplayName,
            Email = user.FindFirstValue("email") ?? profile?.Email,
            IsAdmin = principal.IsAdmin || (!user.IsApiKey() && profile?.IsAdmin == true),
            Groups = principal.Groups,
            Scopes = user.IsApiKey() ? [.. user.FindAll(ApiKeyHandler.ScopeClaim).Select(scope => scope.Value)] : null,
        };
    }
}
