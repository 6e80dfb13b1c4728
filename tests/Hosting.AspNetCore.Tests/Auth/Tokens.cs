using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>Good tokens of a shared secret, and a server that takes them.</summary>
internal static class Tokens
{
    private const string Secret = "a-secret-of-more-than-thirty-two-bytes!";

    public static Task<SlipwayServer> StartAsync(
        IChatClient? model = null,
        Dictionary<string, string?>? settings = null,
        Action<WebApplicationBuilder>? configure = null,
        string? postgres = null
    ) =>
        SlipwayServer.StartAsync(
            model,
            new(settings ?? []) { ["Auth:Secret"] = Secret },
            "Production",
            configure,
            postgres: postgres
        );

    public static string Create(string user, params (string Name, object Value)[] claims)
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var all = claims.ToDictionary(claim => claim.Name, claim => claim.Value);
        all["sub"] = user;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            new SecurityTokenDescriptor
            {
                Claims = all,
                Expires = now.AddMinutes(30),
                SigningCredentials = new SigningCredentials(
                    new SymmetricSecurityKey(Encoding.UTF8.GetBytes(Secret)),
                    SecurityAlgorithms.HmacSha256
                ),
            }
        );
    }
}
