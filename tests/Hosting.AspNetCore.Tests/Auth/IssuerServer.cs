using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>An OpenID Connect issuer: its discovery document and its public keys.</summary>
internal sealed class IssuerServer(WebApplication app) : IAsyncDisposable
{
    public string Url => app.Urls.First();

    public static async Task<IssuerServer> StartAsync(RsaSecurityKey key)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["urls"] = "http://127.0.0.1:0" }
        );
        var app = builder.Build();
        var server = new IssuerServer(app);
        app.MapGet(
            "/.well-known/openid-configuration",
            () => Results.Text($$"""{"issuer":"{{server.Url}}","jwks_uri":"{{server.Url}}/keys"}""", "application/json")
        );
        var parameters = key.Rsa.ExportParameters(false);
        var modulus = Base64UrlEncoder.Encode(parameters.Modulus);
        var exponent = Base64UrlEncoder.Encode(parameters.Exponent);
        app.MapGet(
            "/keys",
            () =>
                Results.Text(
                    $$"""{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"{{key.KeyId}}","n":"{{modulus}}","e":"{{exponent}}"}]}""",
                    "application/json"
                )
        );
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
