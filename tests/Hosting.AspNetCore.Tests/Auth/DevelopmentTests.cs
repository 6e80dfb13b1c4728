using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>Without Auth: one local user, on loopback, in development, and nobody else.</summary>
public sealed class DevelopmentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Outside_of_development_the_host_does_not_start_without_auth(string environment)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            SlipwayServer.StartAsync(environment: environment)
        );
        Assert.Contains($"the environment is '{environment}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://*:0")]
    [InlineData("http://127.0.0.1:0;http://[::]:0")]
    public async Task It_does_not_start_on_an_address_that_others_reach(string urls)
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            SlipwayServer.StartAsync(settings: new() { ["urls"] = urls })
        );
        Assert.Contains("can be reached from other machines", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_does_not_start_on_such_an_address_that_code_has_chosen()
    {
        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            SlipwayServer.StartAsync(configure: builder =>
                builder.Services.Configure<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions>(options =>
                    options.ListenAnyIP(0)
                )
            )
        );
        Assert.Equal(ErrorClass.Configuration, error.Class);
    }

    [Fact]
    public async Task An_address_that_is_none_is_named()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            SlipwayServer.StartAsync(settings: new() { ["urls"] = "localhost" })
        );
        Assert.Contains("'localhost'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_auth_it_listens_where_it_is_told()
    {
        await using var server = await SlipwayServer.StartAsync(
            settings: new() { ["urls"] = "http://0.0.0.0:0", ["Auth:Secret"] = new string('s', 32) }
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await server.Client.GetAsync($"http://127.0.0.1:{server.Url.Port}/api/documents", Token)).StatusCode
        );
    }

    [Theory]
    [InlineData(null, null, HttpStatusCode.OK)]
    [InlineData("localhost", "http://localhost:5173", HttpStatusCode.OK)]
    [InlineData("[::1]", "http://127.0.0.1:5080", HttpStatusCode.OK)]
    [InlineData(null, "https://evil.example.com", HttpStatusCode.Unauthorized)]
    [InlineData(null, "null", HttpStatusCode.Unauthorized)]
    [InlineData(null, "https://app.example.com", HttpStatusCode.OK)]
    [InlineData("evil.example.com", null, HttpStatusCode.Unauthorized)]
    public async Task Pages_of_other_hosts_are_not_the_local_user(string? host, string? origin, HttpStatusCode expected)
    {
        await using var server = await SlipwayServer.StartAsync(
            settings: new() { ["Auth:AllowedOrigins"] = "https://app.example.com" }
        );
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/documents");
        request.Headers.Host = host;
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        using var response = await server.Client.SendAsync(request, Token);

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(
            origin is not null && expected == HttpStatusCode.OK,
            response.Headers.Contains("Access-Control-Allow-Origin")
        );
    }

    [Theory]
    [Trait("Parity", "S31")]
    [InlineData("https://app.example.com", true)]
    [InlineData("https://evil.example.com", false)]
    [InlineData("http://localhost:5173", false)]
    public async Task With_auth_only_the_origins_of_the_settings_may_call(string origin, bool allowed)
    {
        await using var server = await SlipwayServer.StartAsync(
            settings: new()
            {
                ["Auth:Secret"] = new string('s', 32),
                ["Auth:AllowedOrigins:0"] = "https://app.example.com",
            }
        );
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/api/chat");
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        using var response = await server.Client.SendAsync(preflight, Token);
        Assert.Equal(allowed, response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("Auth:Secret", "short", "fewer than 32 bytes")]
    [InlineData("SUPABASE_JWT_SECRET", "short", "SUPABASE_JWT_SECRET (Auth:Secret) has fewer")]
    [InlineData("Auth:Authority", "http://login.example.com", "not https")]
    [InlineData("Auth:JwksUrl", "https://login.example.com/keys", "Auth:Audience is not set")]
    [InlineData("Auth:Authority", "login", "Auth:Authority is 'login'")]
    [InlineData("Auth:Audienc", "x", "Auth:Audienc is not a setting")]
    [InlineData("Limits:MaxRequestBytes", "0", "Limits:MaxRequestBytes is 0")]
    public async Task Settings_that_would_let_others_in_are_refused(string key, string value, string expected)
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            SlipwayServer.StartAsync(settings: new() { [key] = value }, environment: "Production")
        );
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("short", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_kinds_of_keys_are_refused()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            SlipwayServer.StartAsync(
                settings: new()
                {
                    ["Auth:Secret"] = new string('s', 32),
                    ["Auth:Authority"] = "https://login.example.com",
                    ["Auth:Audience"] = "a",
                    ["Auth:AllowedOrigins"] = "app.example.com",
                }
            )
        );
        Assert.Equal(2, error.Failures.Count());
    }
}
