using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Slipway.Hosting.AspNetCore.Tests.Health;

public sealed class HealthTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Parity", "S29")]
    public async Task Health_gives_status_timestamp_and_a_boolean_for_each_part()
    {
        await using var server = await SlipwayServer.StartAsync();
        var (status, health) = await GetAsync(server, "/health");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("healthy", health.GetProperty("status").GetString());
        Assert.Equal(TimeSpan.Zero, health.GetProperty("timestamp").GetDateTimeOffset().Offset);
        Assert.Equal(
            ["database", "model"],
            health
                .GetProperty("services")
                .EnumerateObject()
                .Where(part => part.Value.GetBoolean())
                .Select(part => part.Name)
        );
    }

    [Theory]
    [Trait("Parity", "S30")]
    [InlineData("/health", HttpStatusCode.ServiceUnavailable)]
    [InlineData("/health/ready", HttpStatusCode.ServiceUnavailable)]
    [InlineData("/health/live", HttpStatusCode.OK)]
    public async Task A_database_that_does_not_answer_makes_it_unready_but_not_dead(
        string path,
        HttpStatusCode expected
    )
    {
        await using var server = await SlipwayServer.StartAsync();
        ((IDisposable)server.Services.GetRequiredService<Slipway.Storage.Sqlite.Internal.SqliteDatabase>()).Dispose();
        var (status, health) = await GetAsync(server, path);
        Assert.Equal(expected, status);
        if (expected != HttpStatusCode.OK)
        {
            Assert.Equal("unhealthy", health.GetProperty("status").GetString());
            Assert.False(health.GetProperty("services").GetProperty("database").GetBoolean());
        }
    }

    [Fact]
    [Trait("Parity", "S30")]
    public async Task A_model_that_fails_is_shown_and_keeps_nobody_out()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await SlipwayServer.StartAsync(
            settings: new() { ["LLM_BASE_URL"] = "http://127.0.0.1:9", ["Agent:Model:MaxRetries"] = "0" },
            configure: builder => builder.Services.AddSingleton<TimeProvider>(time)
        );
        await server.AskAsync("chat-1", "Hello?"); // nothing listens on port 9

        var (status, health) = await GetAsync(server, "/health");
        Assert.Equal((HttpStatusCode.OK, "degraded"), (status, health.GetProperty("status").GetString()));
        Assert.False(health.GetProperty("services").GetProperty("model").GetBoolean());
        Assert.Equal("healthy", (await GetAsync(server, "/health/ready")).Health.GetProperty("status").GetString());

        time.Advance(TimeSpan.FromMinutes(5)); // what failed so long ago may be well again
        Assert.Equal("healthy", (await GetAsync(server, "/health")).Health.GetProperty("status").GetString());
    }

    [Fact]
    [Trait("Parity", "S32")]
    public async Task In_development_the_api_is_described_and_has_a_user_interface()
    {
        await using var server = await SlipwayServer.StartAsync();
        var document = JsonElement.Parse(await server.Client.GetStringAsync("/openapi/v1.json", Token));
        Assert.Equal(
            [
                "/api/admin/keys",
                "/api/admin/keys/{id}",
                "/api/admin/keys/{id}/rotate",
                "/api/chat",
                "/api/chat/{id}/stop",
                "/api/chat/{id}/stream",
                "/api/conversations",
                "/api/conversations/{id}",
                "/api/conversations/{id}/attachments/{attachment}",
                "/api/conversations/{id}/export",
                "/api/conversations/{id}/messages",
                "/api/documents",
                "/api/documents/{id}",
                "/api/documents/{id}/content",
                "/api/me",
                "/api/search",
                "/v1/chat/completions",
                "/v1/models",
                "/v1/models/{id}",
            ],
            document.GetProperty("paths").EnumerateObject().Select(path => path.Name).Order(StringComparer.Ordinal)
        );
        Assert.Contains("<html", await server.Client.GetStringAsync("/scalar", Token), StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, JsonElement Health)> GetAsync(SlipwayServer server, string path)
    {
        using var response = await server.Client.GetAsync(path, Token);
        return (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync(Token)));
    }
}
