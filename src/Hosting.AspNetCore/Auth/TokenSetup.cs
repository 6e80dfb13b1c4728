using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Slipway.Hosting.Auth;

/// <summary>What makes a token good, from <see cref="AuthOptions"/>.</summary>
internal sealed class TokenSetup(IOptions<AuthOptions> auth) : IConfigureNamedOptions<JwtBearerOptions>
{
    private static readonly string[] SharedSecret =
    [
        SecurityAlgorithms.HmacSha256,
        SecurityAlgorithms.HmacSha384,
        SecurityAlgorithms.HmacSha512,
    ];
    private static readonly string[] PublicKey =
    [
        SecurityAlgorithms.RsaSha256,
        SecurityAlgorithms.RsaSha384,
        SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.RsaSsaPssSha384,
        SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.EcdsaSha384,
        SecurityAlgorithms.EcdsaSha512,
    ];

    public void Configure(JwtBearerOptions options) { } // the default scheme is the application's

    public void Configure(string? name, JwtBearerOptions options)
    {
        if (name != AuthServiceCollectionExtensions.TokenScheme)
        {
            return;
        }

        var settings = auth.Value;
        options.MapInboundClaims = false; // "sub" stays "sub"
        options.Authority = settings.Authority?.ToString();
        options.RequireHttpsMetadata = settings.Authority is { IsLoopback: false };
        if (settings.JwksUrl is not null)
        {
            options.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
                settings.JwksUrl.ToString(),
                new JwksRetriever(),
                new HttpDocumentRetriever { RequireHttps = !settings.JwksUrl.IsLoopback }
            );
        }

        var keyed = settings.Authority is not null || settings.JwksUrl is not null;
        options.TokenValidationParameters = new TokenValidationParameters
        {
            // Only what the keys at hand are made for, so that a public key is never taken for a shared secret.
            ValidAlgorithms = [.. settings.Secret is null ? [] : SharedSecret, .. keyed ? PublicKey : []],
            IssuerSigningKey = settings.Secret is null
                ? null
                : new SymmetricSecurityKey(Encoding.UTF8.GetBytes(settings.Secret)),
            ValidIssuer = settings.Issuer,
            ValidateIssuer = settings.Issuer is not null || settings.Authority is not null,
            ValidAudience = settings.Audience,
            ValidateAudience = settings.Audience is not null,
            ClockSkew = TimeSpan.FromSeconds(30),
            NameClaimType = "sub",
            RoleClaimType = settings.RoleClaim,
        };
    }

    private sealed class JwksRetriever : IConfigurationRetriever<OpenIdConnectConfiguration>
    {
        public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(
            string address,
            IDocumentRetriever retriever,
            CancellationToken cancel
        )
        {
            var keys = new JsonWebKeySet(await retriever.GetDocumentAsync(address, cancel).ConfigureAwait(false));
            var configuration = new OpenIdConnectConfiguration { JsonWebKeySet = keys };
            foreach (var key in keys.GetSigningKeys())
            {
                configuration.SigningKeys.Add(key);
            }

            return configuration;
        }
    }
}
