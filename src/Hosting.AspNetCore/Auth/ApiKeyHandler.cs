using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Identity;
using Slipway.Identity;

namespace Slipway.Hosting.Auth;

/// <summary>Machines with an API key. It is looked up with every call, so a key that is revoked is refused from the next one on.</summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    ApiKeyUse use,
    TimeProvider time
) : BearerHandler(options, logger, encoder)
{
    public const string TenantClaim = "slipway:tenant";
    public const string ScopeClaim = "slipway:scope";
    public const string KeyClaim = "slipway:key";

    protected override async Task<AuthenticateResult> CheckAsync(string token)
    {
        var keys = Context.RequestServices.GetRequiredService<IApiKeyStore>();
        var key = await keys.FindAsync(ApiKeyText.Hash(token), Context.RequestAborted).ConfigureAwait(false);
        if (key?.IsActive(time.GetUtcNow()) != true)
        {
            return AuthenticateResult.Fail(
                key is null ? "The API key is not known."
                : key.RevokedAt is null ? "The API key has expired."
                : "The API key was revoked."
            );
        }

        await use.MarkAsync(keys, key, Context.RequestAborted).ConfigureAwait(false);
        var identity = new ClaimsIdentity(
            [
                new Claim("sub", key.UserId),
                new Claim(TenantClaim, key.Tenant),
                new Claim(KeyClaim, key.Id),
                .. key.Scopes.Select(scope => new Claim(ScopeClaim, scope)),
            ],
            Scheme.Name
        );
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name));
    }
}
