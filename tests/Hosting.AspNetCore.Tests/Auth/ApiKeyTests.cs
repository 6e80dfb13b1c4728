using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Testing;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Identity;
using Slipway.Hosting.Problems;
using Slipway.Identity;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>Machines, by keys that an admin makes.</summary>
public sealed class ApiKeyTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Start);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_is_shown_once_and_stored_as_a_hash()
    {
        await using var server = await StartAsync();
        var (id, secret) = await CreateAsync(server, "ci", [ApiKeyScopes.Chat]);

        Assert.Matches($"^slw_{id}_[A-Za-z0-9]{{43}}$", secret);
        var list = await server.Client.GetStringAsync("/api/admin/keys", Token);
        Assert.Contains(id, list, StringComparison.Ordinal);
        Assert.DoesNotContain(secret[^43..], list, StringComparison.Ordinal);
        var stored = await server
            .Services.GetRequiredService<IApiKeyStore>()
            .ListAsync(Principal.DefaultTenant, cancellationToken: Token);
        Assert.Equal(["boot", "nightly build"], stored.Keys.Select(key => key.Name).Order());
        Assert.DoesNotContain(secret[^43..], await DumpAsync(server), StringComparison.Ordinal);
        Assert.NotEqual(secret, (await CreateAsync(server, "ci", [ApiKeyScopes.Chat])).Secret);
    }

    [Fact]
    public async Task A_key_acts_as_its_user_and_says_so()
    {
        await using var server = await StartAsync();
        var (_, secret) = await CreateAsync(server, "ci", [ApiKeyScopes.Chat, ApiKeyScopes.WriteDocuments]);

        var me = JsonElement.Parse(await server.WithToken(secret).GetStringAsync("/api/me", Token));

        Assert.Equal("ci", me.GetProperty("id").GetString());
        Assert.Equal("default", me.GetProperty("tenant").GetString());
        Assert.False(me.GetProperty("isAdmin").GetBoolean());
        Assert.Equal(
            [ApiKeyScopes.Chat, ApiKeyScopes.WriteDocuments],
            me.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString())
        );
        await server.AskAsync("chat-1", "Hi"); // as OpenAI's and other clients send keys: a bearer
    }

    [Theory]
    [InlineData("GET", "/api/search?q=x", ApiKeyScopes.ReadDocuments)]
    [InlineData("GET", "/api/documents", ApiKeyScopes.ReadDocuments)]
    [InlineData("GET", "/api/documents/x", ApiKeyScopes.ReadDocuments)]
    [InlineData("GET", "/api/documents/x/content", ApiKeyScopes.ReadDocuments)]
    [InlineData("POST", "/api/documents?name=a.md", ApiKeyScopes.WriteDocuments)]
    [InlineData("DELETE", "/api/documents/x", ApiKeyScopes.WriteDocuments)]
    [InlineData("POST", "/api/chat", ApiKeyScopes.Chat)]
    [InlineData("GET", "/v1/models", ApiKeyScopes.Chat)]
    [InlineData("POST", "/v1/chat/completions", ApiKeyScopes.Chat)]
    [InlineData("GET", "/api/admin/keys", ApiKeyScopes.Admin)]
    [InlineData("POST", "/api/admin/keys", ApiKeyScopes.Admin)]
    [InlineData("POST", "/api/admin/keys/x/rotate", ApiKeyScopes.Admin)]
    [InlineData("DELETE", "/api/admin/keys/x", ApiKeyScopes.Admin)]
    public async Task A_key_does_what_its_scope_says_and_nothing_else(string method, string path, string scope)
    {
        await using var server = await StartAsync();
        var all = new Dictionary<string, string>();
        foreach (var other in ApiKeyScopes.All)
        {
            all[other] = (await CreateAsync(server, "ci", [other])).Secret;
        }

        foreach (var (has, secret) in all)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path)
            {
                Content = method == "POST" ? new StringContent("{}", Encoding.UTF8, "application/json") : null,
            };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);
            using var response = await server.Client.SendAsync(request, Token);
            Assert.True(
                (response.StatusCode == HttpStatusCode.Forbidden) == (has != scope),
                $"{has}: {response.StatusCode}"
            );
            if (has != scope)
            {
                Assert.Contains(
                    $"does not have the scope '{scope}'",
                    await response.Content.ReadAsStringAsync(Token),
                    StringComparison.Ordinal
                );
            }
        }
    }

    [Fact]
    public async Task Every_endpoint_of_ours_says_what_a_key_needs_for_it()
    {
        await using var server = await StartAsync();
        var endpoints = server.Services.GetRequiredService<EndpointDataSource>().Endpoints;
        Assert.All(
            endpoints.Where(endpoint =>
                endpoint.Metadata.GetMetadata<SlipwayEndpoint>() is not null
                && endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Authorization.IAuthorizeData>() is not null
            ),
            endpoint => Assert.True(endpoint.Metadata.GetMetadata<RequiredScope>() is not null, endpoint.DisplayName)
        );
    }

    [Fact]
    public async Task A_rotated_key_goes_on_for_the_overlap_and_a_revoked_one_ends_at_once()
    {
        await using var server = await StartAsync();
        var (id, old) = await CreateAsync(server, "ci", [ApiKeyScopes.Chat]);
        using var rotated = await server.Client.PostAsJsonAsync(
            $"/api/admin/keys/{id}/rotate",
            new { overlapSeconds = 60 },
            Token
        );
        Assert.Equal(HttpStatusCode.Created, rotated.StatusCode);
        Assert.True(rotated.Headers.CacheControl?.NoStore);
        var (newId, replacement) = await ReadAsync(rotated);

        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, old));
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, replacement));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Contains("expired", await RefusalAsync(server, old), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await TryAsync(server, replacement));

        using var revoked = await server.Client.DeleteAsync($"/api/admin/keys/{newId}", Token);
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        Assert.Contains("revoked", await RefusalAsync(server, replacement), StringComparison.Ordinal);
        using var again = await server.Client.PostAsync($"/api/admin/keys/{newId}/rotate", null, Token);
        await again.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("slw_")]
    [InlineData("slw_abcdefghjkmn_0123456789012345678901234567890123456789012")]
    [InlineData("garbage")]
    [InlineData(null)]
    public async Task Nobody_else_gets_in(string? token)
    {
        await using var server = await StartAsync();
        server.Client.DefaultRequestHeaders.Authorization = null;
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await server.Client.SendAsync(request, Token);
        await response.ReadProblemAsync(HttpStatusCode.Unauthorized);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.First().Scheme);
    }

    [Fact]
    public async Task A_key_whose_secret_is_not_quite_right_is_none()
    {
        await using var server = await StartAsync();
        var (_, secret) = await CreateAsync(server, "ci", [ApiKeyScopes.Chat]);
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, secret[..^1]));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, secret + "a"));
        Assert.Equal(HttpStatusCode.Unauthorized, await TryAsync(server, secret.ToUpperInvariant()));
    }

    [Theory]
    [InlineData("""{"userId":"ci","name":"x","scopes":[]}""", "scopes")]
    [InlineData("""{"userId":"ci","name":"x","scopes":["all"]}""", "documents:read")]
    [InlineData("""{"userId":"","name":"x","scopes":["chat"]}""", "user")]
    [InlineData("""{"userId":"ci","name":" ","scopes":["chat"]}""", "name")]
    [InlineData("""{"userId":"ci","name":"x","scopes":["chat"],"expiresAt":"2025-12-31T23:59:59Z"}""", "past")]
    public async Task A_key_that_cannot_be_is_refused_with_what_can(string body, string expected)
    {
        await using var server = await StartAsync();
        using var response = await server.Client.PostAsync(
            "/api/admin/keys",
            new StringContent(body, Encoding.UTF8, "application/json"),
            Token
        );
        var problem = await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        Assert.Contains(expected, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Last_use_is_written_once_a_minute()
    {
        await using var server = await StartAsync();
        var (id, secret) = await CreateAsync(server, "ci", [ApiKeyScopes.Chat]);
        Assert.Null(await LastUsedAsync());
        await TryAsync(server, secret);
        _time.Advance(TimeSpan.FromSeconds(59));
        await TryAsync(server, secret);
        Assert.Equal(Start, await LastUsedAsync());
        _time.Advance(TimeSpan.FromSeconds(1));
        await TryAsync(server, secret);
        Assert.Equal(Start.AddMinutes(1), await LastUsedAsync());

        async Task<DateTimeOffset?> LastUsedAsync() =>
            (
                await server
                    .Services.GetRequiredService<IApiKeyStore>()
                    .ListAsync(Principal.DefaultTenant, cancellationToken: Token)
            )
                .Keys.Single(key => key.Id == id)
                .LastUsedAt;
    }

    [Fact]
    public async Task While_keys_cannot_be_looked_up_nobody_gets_in_and_nobody_is_told_to_throw_the_key_away()
    {
        await using var server = await StartAsync(keys: new BrokenKeys());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "slw_any");
        using var response = await server.Client.SendAsync(request, Token);
        await response.ReadProblemAsync(HttpStatusCode.ServiceUnavailable);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task An_admin_of_one_tenant_does_not_reach_anothers_keys()
    {
        await using var server = await StartAsync();
        var store = server.Services.GetRequiredService<IApiKeyStore>();
        var other = new ApiKey
        {
            Id = "other",
            Tenant = "other",
            UserId = "eve",
            Name = "x",
            Scopes = [ApiKeyScopes.Chat],
            CreatedAt = Start,
        };
        await store.AddAsync(other, "hash", Token);

        Assert.DoesNotContain(
            "eve",
            await server.Client.GetStringAsync("/api/admin/keys", Token),
            StringComparison.Ordinal
        );
        using var revoked = await server.Client.DeleteAsync("/api/admin/keys/other", Token);
        await revoked.ReadProblemAsync(HttpStatusCode.NotFound);
        using var rotated = await server.Client.PostAsync("/api/admin/keys/other/rotate", null, Token);
        await rotated.ReadProblemAsync(HttpStatusCode.NotFound);
        Assert.Equal(other, (await store.FindAsync("hash", Token))! with { Scopes = other.Scopes });
    }

    /// <summary>A server that knows keys alone; its client holds an admin's.</summary>
    private async Task<SlipwayServer> StartAsync(IApiKeyStore? keys = null)
    {
        var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(Say("Hello."), Say("Hello."), Say("Hello.")),
            new() { ["Auth:ApiKeys"] = "true" },
            "Production",
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(_time);
                if (keys is not null)
                {
                    builder.Services.AddSingleton(keys);
                }
            }
        );
        if (keys is null)
        {
            var boot = await new ApiKeyIssuer(server.Services.GetRequiredService<IApiKeyStore>(), _time).CreateAsync(
                new Principal(Principal.DefaultTenant, "root"),
                "boot",
                [ApiKeyScopes.Admin],
                null,
                Token
            );
            server.WithToken(boot.Text);
        }

        return server;
    }

    private static async Task<(string Id, string Secret)> CreateAsync(
        SlipwayServer server,
        string user,
        string[] scopes
    )
    {
        using var response = await server.Client.PostAsJsonAsync(
            "/api/admin/keys",
            new
            {
                userId = user,
                name = "nightly build",
                scopes,
            },
            Token
        );
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.True(response.Headers.CacheControl?.NoStore);
        return await ReadAsync(response);
    }

    private static async Task<(string Id, string Secret)> ReadAsync(HttpResponseMessage response)
    {
        var created = JsonElement.Parse(await response.Content.ReadAsStringAsync(Token));
        return (created.GetProperty("key").GetProperty("id").GetString()!, created.GetProperty("secret").GetString()!);
    }

    private static async Task<string> DumpAsync(SlipwayServer server)
    {
        await using var connection = new SqliteConnection($"Data Source={server.Database};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = "select group_concat(id || name || hash || scopes) from api_keys";
        return (string)(await command.ExecuteScalarAsync(Token))!;
    }

    private static async Task<HttpResponseMessage> SendAsync(SlipwayServer server, string secret)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/me");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        return await server.Client.SendAsync(request, Token);
    }

    private static async Task<HttpStatusCode> TryAsync(SlipwayServer server, string secret)
    {
        using var response = await SendAsync(server, secret);
        return response.StatusCode;
    }

    private static async Task<string> RefusalAsync(SlipwayServer server, string secret)
    {
        using var response = await SendAsync(server, secret);
        return (await response.ReadProblemAsync(HttpStatusCode.Unauthorized)).GetProperty("detail").GetString()!;
    }

    private sealed class BrokenKeys : IApiKeyStore
    {
        public ValueTask AddAsync(ApiKey key, string hash, CancellationToken cancellationToken = default) =>
            throw Down();

        public ValueTask<ApiKey?> FindAsync(string hash, CancellationToken cancellationToken = default) => throw Down();

        public ValueTask<ApiKeyPage> ListAsync(
            string tenant,
            int limit = 100,
            string? after = null,
            CancellationToken cancellationToken = default
        ) => throw Down();

        public ValueTask<ApiKey?> RotateAsync(
            string tenant,
            string id,
            string newId,
            string newHash,
            DateTimeOffset until,
            DateTimeOffset? expiresAt = null,
            CancellationToken cancellationToken = default
        ) => throw Down();

        public ValueTask<bool> RevokeAsync(string tenant, string id, CancellationToken cancellationToken = default) =>
            throw Down();

        public ValueTask MarkUsedAsync(
            ApiKey key,
            TimeSpan atMostEvery,
            CancellationToken cancellationToken = default
        ) => throw Down();

        private static SlipwayException Down() => new(ErrorClass.Transient, "The database is down.");
    }
}
