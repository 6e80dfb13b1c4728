using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>Tokens that a Supabase project's user endpoint knows, with the older system's settings alone.</summary>
[Trait("Parity", "S2")]
public sealed class UserEndpointTests : IAsyncLifetime
{
    private const string ServiceKey = "service-key";
    private const string Ada = """
        {"id":"ada","aud":"authenticated","role":"authenticated","email":"ada@example.com","phone":null,
         "app_metadata":{"provider":"email","roles":["editor","admin"]},"user_metadata":{"roles":["owner"]}}
        """;

    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<(string? Key, string? Token)> _asked = [];
    private Func<string?, IResult> _answer = token =>
        token == "Bearer ada" ? Results.Text(Ada, "application/json") : Results.StatusCode(403);
    private WebApplication _supabase = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["urls"] = "http://127.0.0.1:0" }
        );
        _supabase = builder.Build();
        _supabase.MapGet(
            "/auth/v1/user",
            (HttpRequest request) =>
            {
                string? token = request.Headers.Authorization;
                _asked.Add((request.Headers["apikey"], token));
                return _answer(token);
            }
        );
        await _supabase.StartAsync(Token);
    }

    public ValueTask DisposeAsync() => _supabase.DisposeAsync();

    [Fact]
    public async Task The_user_is_whom_the_endpoint_names()
    {
        await using var server = await StartAsync();

        var me = JsonElement.Parse(await server.WithToken("ada").GetStringAsync("/api/me", Token));

        Assert.Equal("ada", me.GetProperty("id").GetString());
        Assert.Equal("ada@example.com", me.GetProperty("email").GetString());
        Assert.False(me.GetProperty("isAdmin").GetBoolean());
        Assert.Equal((ServiceKey, "Bearer ada"), Assert.Single(_asked));
    }

    [Theory]
    [InlineData("app_metadata.roles", "admin", true)]
    [InlineData("app_metadata.roles", "owner", false)]
    [InlineData("app_metadata.provider", "email", true)]
    [InlineData("app_metadata.provider.name", "email", false)]
    [InlineData("role", "authenticated", true)]
    [InlineData("email.x", "ada", false)]
    public async Task The_admin_role_may_lie_in_an_object(string claim, string role, bool isAdmin)
    {
        await using var server = await StartAsync(("Auth:RoleClaim", claim), ("Auth:AdminRole", role));
        var me = JsonElement.Parse(await server.WithToken("ada").GetStringAsync("/api/me", Token));
        Assert.Equal(isAdmin, me.GetProperty("isAdmin").GetBoolean());
    }

    [Fact]
    public async Task A_good_answer_is_believed_for_half_a_minute_and_a_bad_one_not_at_all()
    {
        await using var server = await StartAsync();
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, "ada"));
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, "ada"));
        Assert.Single(_asked);

        _answer = _ => Results.StatusCode(401);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, "ada"));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, "ada"));
        Assert.Equal(3, _asked.Count);
    }

    [Fact]
    public async Task A_token_is_not_believed_beyond_its_own_end()
    {
        var jwt = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            new SecurityTokenDescriptor
            {
                Expires = _time.GetUtcNow().UtcDateTime.AddSeconds(10),
                SigningCredentials = new SigningCredentials(
                    new SymmetricSecurityKey(Encoding.UTF8.GetBytes(new string('k', 32))),
                    SecurityAlgorithms.HmacSha256
                ),
            }
        );
        await using var server = await StartAsync();
        _answer = _ => Results.Text(Ada, "application/json");
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, jwt));
        _answer = _ => Results.StatusCode(401);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, jwt));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, jwt));
    }

    [Theory]
    [InlineData(500, "")]
    [InlineData(429, "")]
    [InlineData(302, "")]
    [InlineData(200, "not JSON")]
    [InlineData(200, "[]")]
    public async Task Nobody_gets_in_while_the_endpoint_does_not_answer(int status, string body)
    {
        await using var server = await StartAsync();
        _answer = _ => Results.Text(body, "application/json", statusCode: status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await TryAsync(server, "ada"));
        _answer = _ => Results.Text(Ada, "application/json");
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, "ada"));
        await _supabase.StopAsync(Token);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await TryAsync(server, "eve"));
    }

    [Theory]
    [InlineData("""{"id":"ada","aud":"other"}""", HttpStatusCode.Unauthorized)]
    [InlineData("""{"id":"","aud":"authenticated"}""", HttpStatusCode.Forbidden)]
    [InlineData("""{"aud":"authenticated"}""", HttpStatusCode.Forbidden)]
    public async Task An_answer_about_somebody_else_opens_nothing(string body, HttpStatusCode expected)
    {
        await using var server = await StartAsync();
        _answer = _ => Results.Text(body, "application/json");
        Assert.Equal(expected, await TryAsync(server, "ada"));
    }

    [Theory]
    [InlineData("Auth:Secret", "a-secret-of-more-than-thirty-two-bytes!")]
    [InlineData("Auth:JwksUrl", "https://login.example.com/keys")]
    public async Task What_is_set_itself_wins_over_what_the_projects_address_stands_for(string key, string value)
    {
        await using var server = await StartAsync((key, value));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, "ada"));
        Assert.Empty(_asked);
    }

    private Task<SlipwayServer> StartAsync(params (string Key, string Value)[] settings)
    {
        var all = settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value);
        all["SUPABASE_URL"] = _supabase.Urls.First();
        all["SUPABASE_SERVICE_KEY"] = ServiceKey;
        return SlipwayServer.StartAsync(
            settings: all,
            environment: "Production",
            configure: builder => builder.Services.AddSingleton<TimeProvider>(_time)
        );
    }

    private static async Task<HttpStatusCode> TryAsync(SlipwayServer server, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await server.Client.SendAsync(request, Token);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            await response.ReadProblemAsync(response.StatusCode);
        }

        return response.StatusCode;
    }
}
