using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Knowledge;
using Slipway.Hosting.Problems;
using Slipway.Identity;

namespace Slipway.Hosting.Identity;

/// <summary>Keys of machines, for admins.</summary>
public static class ApiKeyEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;
    private const int MaxOverlapSeconds = 90 * 24 * 3600;

    /// <summary>Maps <c>/api/admin/keys</c>: list, make, rotate and revoke API keys of the admin's tenant.</summary>
    public static IEndpointConventionBuilder MapSlipwayApiKeys(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints
            .MapGroup("/api/admin/keys")
            .WithTags("Admin")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .AllowKeys(ApiKeyScopes.Admin)
            .OnlyAdmins()
            .ForCallers(limits => limits.MaxRequestBytes);
        group
            .MapGet("", ListAsync)
            .WithName("api-keys")
            .WithSummary("Lists the API keys of the tenant.")
            .Produces<ApiKeyList>();
        group
            .MapPost("", CreateAsync)
            .WithName("create-api-key")
            .WithSummary("Makes an API key. The answer shows its secret, this once.")
            .Accepts<ApiKeyRequest>("application/json")
            .Produces<ApiKeyCreated>(StatusCodes.Status201Created);
        group
            .MapPost("/{id}/rotate", RotateAsync)
            .WithName("rotate-api-key")
            .WithSummary("Makes a key in place of one, which goes on for a while (a day, or overlapSeconds).")
            .Accepts<ApiKeyRotation>("application/json")
            .Produces<ApiKeyCreated>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status404NotFound);
        group
            .MapDelete("/{id}", RevokeAsync)
            .WithName("revoke-api-key")
            .WithSummary("Revokes an API key at once and for good.")
            .Produces(StatusCodes.Status204NoContent)
            .ProducesProblem(StatusCodes.Status404NotFound);
        return group;
    }

    private static async Task<IResult> ListAsync(
        HttpContext context,
        IApiKeyStore keys,
        TimeProvider time,
        string? after,
        string? limit
    )
    {
        var size = QueryNumber.Parse("limit", limit, DefaultLimit, MaxLimit);
        var page = await keys.ListAsync(context.GetPrincipal().Tenant, size, after, context.RequestAborted)
            .ConfigureAwait(false);
        var now = time.GetUtcNow();
        return Json.Result(
            new ApiKeyList([.. page.Keys.Select(key => ApiKeyView.From(key, now))], page.Next),
            IdentityJsonContext.Default.ApiKeyList
        );
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context,
        IApiKeyStore keys,
        TimeProvider time,
        IOptions<AuthOptions> auth
    )
    {
        if (!auth.Value.ApiKeys)
        {
            throw Problem
                .Invalid("Keys are not accepted here, so none is made. Set Auth:ApiKeys to true.")
                .ToException();
        }

        var request = await context.ReadBodyAsync(IdentityJsonContext.Default.ApiKeyRequest).ConfigureAwait(false);
        var issued = await new ApiKeyIssuer(keys, time)
            .CreateAsync(
                new Principal(context.GetPrincipal().Tenant, request.UserId ?? ""),
                request.Name,
                request.Scopes,
                request.ExpiresAt,
                context.RequestAborted
            )
            .ConfigureAwait(false);
        return Created(context, issued, time);
    }

    private static async Task<IResult> RotateAsync(HttpContext context, IApiKeyStore keys, TimeProvider time, string id)
    {
        var request =
            context.Request.ContentLength == 0
                ? new ApiKeyRotation()
                : await context.ReadBodyAsync(IdentityJsonContext.Default.ApiKeyRotation).ConfigureAwait(false);
        if (request.OverlapSeconds is < 0 or > MaxOverlapSeconds)
        {
            throw Problem.Invalid($"'overlapSeconds' may be 0 to {MaxOverlapSeconds}.").ToException();
        }

        var issued =
            await new ApiKeyIssuer(keys, time)
                .RotateAsync(
                    context.GetPrincipal().Tenant,
                    id,
                    request.OverlapSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                    request.ExpiresAt,
                    context.RequestAborted
                )
                .ConfigureAwait(false)
            ?? throw Problem.NotFound("active API key", id).ToException();
        return Created(context, issued, time);
    }

    private static async Task<IResult> RevokeAsync(HttpContext context, IApiKeyStore keys, string id) =>
        await keys.RevokeAsync(context.GetPrincipal().Tenant, id, context.RequestAborted).ConfigureAwait(false)
            ? Results.NoContent()
            : throw Problem.NotFound("API key", id).ToException();

    private static IResult Created(HttpContext context, IssuedKey issued, TimeProvider time)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Json.Result(
            new ApiKeyCreated(issued.Text, ApiKeyView.From(issued.Key, time.GetUtcNow())),
            IdentityJsonContext.Default.ApiKeyCreated,
            StatusCodes.Status201Created
        );
    }
}
