using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Auth;

/// <summary>Tokens of a service that says itself whose they are: <c>/auth/v1/user</c> of a Supabase project.</summary>
internal sealed class UserEndpointHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    UserEndpoint endpoint,
    IOptions<AuthOptions> auth
) : BearerHandler(options, logger, encoder)
{
    protected override async Task<AuthenticateResult> CheckAsync(string token)
    {
        if (await endpoint.FindUserAsync(token, Context.RequestAborted).ConfigureAwait(false) is not { } claims)
        {
            return AuthenticateResult.Fail("The token is not known, or not valid any more.");
        }

        if (auth.Value.Audience is { } audience && !claims.Any(claim => claim.Type == "aud" && claim.Value == audience))
        {
            return AuthenticateResult.Fail("The token is for another audience.");
        }

        var user = new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme.Name));
        return AuthenticateResult.Success(new AuthenticationTicket(user, Scheme.Name));
    }
}
