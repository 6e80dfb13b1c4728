using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Slipway.Hosting.AspNetCore.Tests.Auth;

/// <summary>Who the caller is, and who is an admin.</summary>
public sealed class CallerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_development_the_caller_is_the_local_admin()
    {
        await using var server = await SlipwayServer.StartAsync();
        var me = JsonElement.Parse(await server.Client.GetStringAsync("/api/me", Token));
        Assert.Equal("local", me.GetProperty("id").GetString());
        Assert.True(me.GetProperty("isAdmin").GetBoolean());
    }

    [Fact]
    [Trait("Parity", "S127")]
    public async Task Callers_say_how_they_want_to_be_called()
    {
        await using var server = await Tokens.StartAsync();
        server.WithToken(Tokens.Create("ada", ("email", "ada@example.com")));
        using var changed = await server.Client.PatchAsJsonAsync("/api/me", new { displayName = " Ada L. " }, Token);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        var me = JsonElement.Parse(await server.Client.GetStringAsync("/api/me", Token));
        Assert.Equal("Ada L.", me.GetProperty("displayName").GetString());
        Assert.Equal("ada@example.com", me.GetProperty("email").GetString());
        Assert.False(me.TryGetProperty("scopes", out _));

        server.WithToken(Tokens.Create("eve"));
        me = JsonElement.Parse(await server.Client.GetStringAsync("/api/me", Token));
        Assert.False(me.TryGetProperty("displayName", out _));
        using var refused = await server.Client.PatchAsJsonAsync(
            "/api/me",
            new { displayName = new string('x', 201) },
            Token
        );
        await refused.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task The_admin_surface_is_open_to_admins_by_claim_or_by_the_table_of_users()
    {
        await using var server = await Tokens.StartAsync();
        server.WithToken(Tokens.Create("root", ("roles", "admin")));
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/api/admin/keys", Token)).StatusCode);

        server.WithToken(Tokens.Create("ada"));
        using var refused = await server.Client.GetAsync("/api/admin/keys", Token);
        await refused.ReadProblemAsync(HttpStatusCode.Forbidden);
        // What callers say of themselves makes none of them an admin.
        using var tried = await server.Client.PatchAsJsonAsync(
            "/api/me",
            new { displayName = "Ada", isAdmin = true },
            Token
        );
        Assert.Equal(HttpStatusCode.Forbidden, (await server.Client.GetAsync("/api/admin/keys", Token)).StatusCode);

        await using var connection = new SqliteConnection($"Data Source={server.Database};Pooling=false");
        await connection.OpenAsync(Token);
        await using var command = connection.CreateCommand();
        command.CommandText = "update users set is_admin = 1 where id = 'ada'";
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Token));
        Assert.Equal(HttpStatusCode.OK, (await server.Client.GetAsync("/api/admin/keys", Token)).StatusCode);
        var me = JsonElement.Parse(await server.Client.GetStringAsync("/api/me", Token));
        Assert.True(me.GetProperty("isAdmin").GetBoolean());
    }

    [Fact]
    public async Task A_key_is_not_made_where_none_is_accepted()
    {
        await using var server = await SlipwayServer.StartAsync();
        using var response = await server.Client.PostAsJsonAsync(
            "/api/admin/keys",
            new
            {
                userId = "ci",
                name = "x",
                scopes = new[] { "chat" },
            },
            Token
        );
        var problem = await response.ReadProblemAsync(HttpStatusCode.BadRequest);
        Assert.Contains("Auth:ApiKeys", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
