using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Slipway.Hosting.Auth;

/// <summary>
/// Development without tokens: whoever calls from this machine is <see cref="Principal.Local"/>. A web page of another host is not, though
/// the browser runs here: neither by its origin, nor by a host name of its own that it resolves to loopback (DNS rebinding).
/// </summary>
internal sealed class LocalAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    IOptions<AuthOptions> auth
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // No address at all: a test server in this process.
        var caller = Context.Connection.RemoteIpAddress;
        var origin = Request.Headers.Origin.ToString();
        var refusal =
            caller is not null && !IPAddress.IsLoopback(caller) ? "calls from other machines need Auth to be set"
            : !LoopbackOnly.IsLoopbackHost(Request.Host.Host) ? $"'{Request.Host.Host}' is not a name of this machine"
            : origin.Length > 0 && !IsAllowed(origin, auth.Value)
                ? $"pages of '{origin}' are not in Auth:AllowedOrigins"
            : null;
        return Task.FromResult(
            refusal is null ? AuthenticateResult.Success(Ticket()) : AuthenticateResult.Fail(refusal)
        );
    }

    public static bool IsAllowed(string origin, AuthOptions auth) =>
        auth.AllowedOrigins.Any(allowed => allowed.TrimEnd('/').Equals(origin, StringComparison.OrdinalIgnoreCase))
        || (
            !auth.IsSet && Uri.TryCreate(origin, UriKind.Absolute, out var url) && LoopbackOnly.IsLoopbackHost(url.Host)
        );

    private AuthenticationTicket Ticket()
    {
        Claim[] claims = [new("sub", Principal.Local.Id), new(auth.Value.RoleClaim, auth.Value.AdminRole)];
        return new(new ClaimsPrincipal(new ClaimsIdentity(claims, Scheme.Name)), Scheme.Name);
    }
}
