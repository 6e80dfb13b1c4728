using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>Real tokens against a server that is not in development.</summary>
public sealed class TokenTests
{
    private const string Secret = "a-secret-of-more-than-thirty-two-bytes!";
    private const string Issuer = "https://issuer.example.com";
    private const string Audience = "slipway";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("good", HttpStatusCode.OK)]
    [InlineData("none", HttpStatusCode.Unauthorized)]
    [InlineData("wrong-key", HttpStatusCode.Unauthorized)]
    [InlineData("alg-none", HttpStatusCode.Unauthorized)]
    [InlineData("expired", HttpStatusCode.Unauthorized)]
    [InlineData("not-yet", HttpStatusCode.Unauthorized)]
    [InlineData("wrong-audience", HttpStatusCode.Unauthorized)]
    [InlineData("wrong-issuer", HttpStatusCode.Unauthorized)]
    [InlineData("tampered", HttpStatusCode.Unauthorized)]
    [InlineData("garbage", HttpStatusCode.Unauthorized)]
    [InlineData("without-user", HttpStatusCode.Forbidden)]
    public async Task Only_a_good_token_opens(string kind, HttpStatusCode expected)
    {
        await using var server = await StartAsync();
        var good = Create();
        var token = kind switch
        {
            "good" => good,
            "none" => null,
            "wrong-key" => Create(key: Symmetric(Secret + "!")),
            "alg-none" => AlgNone(),
            "expired" => Create(lifetime: TimeSpan.FromMinutes(-5)),
            "not-yet" => Create(notBefore: TimeSpan.FromMinutes(5), lifetime: TimeSpan.FromMinutes(10)),
            "wrong-audience" => Create(audience: "another"),
            "wrong-issuer" => Create(issuer: "https://evil.example.com"),
            "tampered" => Tamper(good),
            "without-user" => Create(subject: null),
            _ => "garbage",
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/documents");
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);

        using var response = await server.Client.SendAsync(request, Token);

        if (expected == HttpStatusCode.OK)
        {
            Assert.Equal(expected, response.StatusCode);
        }
        else
        {
            await response.ReadProblemAsync(expected);
        }
    }

    [Theory]
    [InlineData("GET", "/api/documents")]
    [InlineData("GET", "/api/documents/x")]
    [InlineData("GET", "/api/documents/x/content")]
    [InlineData("POST", "/api/documents")]
    [InlineData("DELETE", "/api/documents/x")]
    [InlineData("GET", "/api/search?q=x")]
    [InlineData("POST", "/api/chat")]
    public async Task Everything_but_health_needs_a_token(string method, string path)
    {
        await using var server = await StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await server.Client.SendAsync(request, Token);
        await response.ReadProblemAsync(HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/health/ready", Token)).StatusCode);
    }

    [Theory]
    [InlineData("GET", "/v1/models")]
    [InlineData("POST", "/v1/chat/completions")]
    public async Task An_openai_client_gets_the_refusal_in_its_own_form(string method, string path)
    {
        await using var server = await StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await server.Client.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        var error = System
            .Text.Json.JsonElement.Parse(await response.Content.ReadAsStringAsync(Token))
            .GetProperty("error");
        Assert.Equal("invalid_api_key", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task The_description_is_not_served_outside_of_development()
    {
        await using var server = await StartAsync();
        using var response = await server.WithToken(Create()).GetAsync("/openapi/v1.json", Token);
        await response.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task One_users_conversation_does_not_exist_for_another()
    {
        await using var server = await StartAsync(Say("Hello."));
        server.WithToken(Create(subject: "ada"));
        await server.AskAsync("chat-1", "Hi");

        server.WithToken(Create(subject: "eve"));
        using var response = await server.Client.PostStreamAsync(
            "/api/chat",
            SlipwayServerExtensions.Ask("chat-1", "Hi")
        );
        await response.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Claims_name_tenant_groups_and_role()
    {
        await using var server = await StartAsync(
            settings: new() { ["Auth:TenantClaim"] = "org", ["Auth:AdminRole"] = "owner" },
            configure: app =>
                app.MapGet("/who", (HttpContext context, CancellationToken _) => context.GetPrincipalForTest())
        );
        server.WithToken(
            Create(
                claims: new()
                {
                    ["org"] = "acme",
                    ["groups"] = new[] { "sales", "support" },
                    ["roles"] = "owner",
                }
            )
        );
        Assert.Equal("acme/ada sales,support admin", await server.Client.GetStringAsync("/who", Token));

        server.WithToken(Create());
        Assert.Equal("none", await server.Client.GetStringAsync("/who", Token));
        using var response = await server.Client.GetAsync("/api/documents", Token);
        await response.ReadProblemAsync(HttpStatusCode.Forbidden);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Keys_come_from_the_issuer(bool byDiscovery)
    {
        using var rsa = RSA.Create(2048);
        var key = new RsaSecurityKey(rsa) { KeyId = "key-1" };
        await using var issuer = await IssuerServer.StartAsync(key);
        await using var server = await SlipwayServer.StartAsync(
            environment: "Production",
            settings: new()
            {
                [byDiscovery ? "Auth:Authority" : "Auth:JwksUrl"] = byDiscovery ? issuer.Url : issuer.Url + "/keys",
                ["Auth:Audience"] = Audience,
            }
        );

        async Task<HttpStatusCode> TryAsync(string token) =>
            (await server.WithToken(token).GetAsync("/api/documents", Token)).StatusCode;

        var signed = new SigningCredentials(key, SecurityAlgorithms.RsaSha256);
        Assert.Equal(HttpStatusCode.OK, await TryAsync(Create(signing: signed, issuer: issuer.Url)));
        using var other = RSA.Create(2048);
        var forged = new SigningCredentials(
            new RsaSecurityKey(other) { KeyId = "key-1" },
            SecurityAlgorithms.RsaSha256
        );
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(Create(signing: forged, issuer: issuer.Url)));
        // The public key as a shared secret: the classic confusion of algorithms.
        var confused = new SigningCredentials(
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(rsa.ExportSubjectPublicKeyInfoPem())),
            SecurityAlgorithms.HmacSha256
        );
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(Create(signing: confused, issuer: issuer.Url)));
        Assert.Equal(
            byDiscovery ? HttpStatusCode.Unauthorized : HttpStatusCode.OK,
            await TryAsync(Create(signing: signed, issuer: "https://evil.example.com"))
        );
    }

    [Fact]
    [Trait("Parity", "S2")]
    public async Task Tokens_of_a_supabase_project_are_understood()
    {
        await using var server = await SlipwayServer.StartAsync(
            environment: "Production",
            settings: new() { ["SUPABASE_URL"] = "https://project.supabase.co", ["SUPABASE_JWT_SECRET"] = Secret }
        );
        server.WithToken(Create(issuer: "https://project.supabase.co/auth/v1", audience: "authenticated"));
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/api/documents", Token)).StatusCode);
        server.WithToken(Create(issuer: "https://other.supabase.co/auth/v1", audience: "authenticated"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Client.GetAsync("/api/documents", Token)).StatusCode);
    }

    [Fact]
    public async Task Users_push_for_themselves_and_admins_for_everyone()
    {
        await using var server = await StartAsync();
        async Task<HttpResponseMessage> PushAsync(
            string user,
            string text,
            string query = "?name=handbook.md",
            bool admin = false
        )
        {
            server.WithToken(Create(subject: user, claims: admin ? new() { ["roles"] = "admin" } : null));
            return await server.Client.PostAsync(
                "/api/documents" + query,
                new StringContent(text, Encoding.UTF8, "text/markdown"),
                Token
            );
        }

        async Task<List<string?>> NamesAsync(string user)
        {
            server.WithToken(Create(subject: user));
            var list = System.Text.Json.JsonElement.Parse(await server.Client.GetStringAsync("/api/documents", Token));
            return
            [
                .. list.GetProperty("documents").EnumerateArray().Select(item => item.GetProperty("id").GetString()),
            ];
        }

        using var shared = await PushAsync("root", "For all.", admin: true);
        using var own = await PushAsync("ada", "For Ada.");
        Assert.Equal(HttpStatusCode.Accepted, own.StatusCode);
        Assert.Equal(2, (await NamesAsync("ada")).Count); // hers did not take the place of the admin's
        var forEve = Assert.Single(await NamesAsync("eve"));

        using var granting = await PushAsync("ada", "x", "?name=x.md&principals=group:all");
        await granting.ReadProblemAsync(HttpStatusCode.Forbidden);
        server.WithToken(Create(subject: "eve"));
        using var foreign = await server.Client.DeleteAsync($"/api/documents/{forEve}", Token);
        await foreign.ReadProblemAsync(HttpStatusCode.Forbidden);
        server.WithToken(Create(subject: "ada"));
        var hers = (await NamesAsync("ada")).Single(id => id != forEve);
        using var deleted = await server.Client.DeleteAsync($"/api/documents/{hers}", Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    private static Task<SlipwayServer> StartAsync(
        ScriptedChatClient.Reply? reply = null,
        Dictionary<string, string?>? settings = null,
        Action<WebApplication>? configure = null
    ) =>
        SlipwayServer.StartAsync(
            new ScriptedChatClient(reply ?? Say("Hello.")),
            new Dictionary<string, string?>(settings ?? [])
            {
                ["Auth:Secret"] = Secret,
                ["Auth:Issuer"] = Issuer,
                ["Auth:Audience"] = Audience,
            },
            "Production",
            map: configure
        );

    private static SigningCredentials Symmetric(string secret) =>
        new(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret)), SecurityAlgorithms.HmacSha256);

    private static string Create(
        string? subject = "ada",
        string issuer = Issuer,
        string audience = Audience,
        SigningCredentials? key = null,
        SigningCredentials? signing = null,
        TimeSpan? notBefore = null,
        TimeSpan? lifetime = null,
        Dictionary<string, object>? claims = null
    )
    {
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        var all = claims ?? [];
        if (subject is not null)
        {
            all["sub"] = subject;
        }

        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = issuer,
                Audience = audience,
                Claims = all,
                NotBefore = now + (notBefore ?? TimeSpan.FromHours(-1)),
                Expires = now + (lifetime ?? TimeSpan.FromMinutes(5)),
                SigningCredentials = signing ?? key ?? Symmetric(Secret),
            }
        );
    }

    private static string AlgNone()
    {
        var parts = Create().Split('.');
        return $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{parts[1]}.";
    }

    private static string Tamper(string token)
    {
        var parts = token.Split('.');
        var payload = Base64UrlEncoder.Decode(parts[1]).Replace("ada", "eve", StringComparison.Ordinal);
        return $"{parts[0]}.{Base64UrlEncoder.Encode(payload)}.{parts[2]}";
    }
}
