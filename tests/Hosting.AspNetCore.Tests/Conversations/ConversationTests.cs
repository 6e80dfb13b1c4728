using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Hosting.AspNetCore.Tests.Conversations;

/// <summary>A user's own conversations over HTTP.</summary>
public sealed class ConversationTests
{
    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Parity", "S122")]
    public async Task Conversations_are_listed_by_page_and_searched()
    {
        await using var server = await StartAsync([Say("One."), Say("Two needles."), Say("Three.")]);
        foreach (
            var (id, text) in new[] { ("c1", "First question"), ("c2", "Second question"), ("c/3 ü", "Third question") }
        )
        {
            await server.AskAsync(id, text);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var page = await GetAsync(server, "/api/conversations?limit=2");
        Assert.Equal(["c/3 ü", "c2"], Ids(page));
        Assert.Equal("Third question", page.GetProperty("conversations")[0].GetProperty("title").GetString());
        Assert.Equal(
            "2026-01-01T12:00:01+00:00",
            page.GetProperty("conversations")[1].GetProperty("createdAt").GetString()
        );
        var next = Uri.EscapeDataString(page.GetProperty("next").GetString()!);
        var last = await GetAsync(server, $"/api/conversations?limit=2&after={next}");
        Assert.Equal(["c1"], Ids(last));
        Assert.False(last.TryGetProperty("next", out _));

        var found = await GetAsync(server, "/api/conversations?q=NEEDLE%20second");
        Assert.Equal(["c2"], Ids(found));
        Assert.Equal(
            "Second question",
            found.GetProperty("conversations")[0].GetProperty("match").GetProperty("text").GetString()
        );
        Assert.Equal(
            "Third question",
            (await GetAsync(server, "/api/conversations/c%2F3%20%C3%BC")).GetProperty("title").GetString()
        );
        using var other = await server.Client.GetAsync("/api/conversations/c%252F3%20%C3%BC", Token);
        await other.ReadProblemAsync(HttpStatusCode.NotFound);
        using var wrong = await server.Client.GetAsync("/api/conversations?after=nonsense", Token);
        await wrong.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    [Trait("Parity", "S122")]
    public async Task Messages_are_paged_backwards_as_ui_messages()
    {
        await using var server = await StartAsync([
            Say("One."),
            Call("search_knowledge", new { query = "descaling" }),
            Say("Every three months [[p1: ", "\"Descale the boiler every three months\"]]."),
        ]);
        await server.IngestAsync();
        await server.AskAsync("c", "Hello?");
        var streamed = await server.AskAsync("c", "How often?");

        var page = await GetAsync(server, "/api/conversations/c/messages?limit=1");

        var messages = page.GetProperty("messages");
        Assert.Equal(
            ["user", "assistant"],
            messages.EnumerateArray().Select(message => message.GetProperty("role").GetString())
        );
        Assert.Equal("How often?", messages[0].GetProperty("parts")[0].GetProperty("text").GetString());
        var answer = messages[1];
        Assert.Equal(streamed[0].GetProperty("messageId").GetString(), answer.GetProperty("id").GetString());
        Assert.Equal("completed", answer.GetProperty("metadata").GetProperty("status").GetString());
        Assert.Equal(
            "dynamic-tool text source-document",
            string.Join(' ', answer.GetProperty("parts").EnumerateArray().Select(part => part.Type()))
        );
        var tool = answer.GetProperty("parts")[0];
        Assert.Equal("output-available", tool.GetProperty("state").GetString());
        Assert.Equal("descaling", tool.GetProperty("input").GetProperty("query").GetString());
        Assert.Equal(JsonValueKind.Object, tool.GetProperty("output").ValueKind);
        Assert.Equal("Every three months [1].", answer.GetProperty("parts")[1].GetProperty("text").GetString());
        Assert.Equal(
            streamed.Single(item => item.Type() == "source-document").GetProperty("sourceId").GetString(),
            answer.GetProperty("parts")[2].GetProperty("sourceId").GetString()
        );

        var earlier = await GetAsync(
            server,
            $"/api/conversations/c/messages?limit=1&before={page.GetProperty("before").GetString()}"
        );
        Assert.Equal(
            "Hello?",
            earlier.GetProperty("messages")[0].GetProperty("parts")[0].GetProperty("text").GetString()
        );
        Assert.False(earlier.TryGetProperty("before", out _));
        using var wrong = await server.Client.GetAsync("/api/conversations/c/messages?before=-1", Token);
        await wrong.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_conversation_is_renamed_and_deleted()
    {
        await using var server = await StartAsync([Say("One.")]);
        await server.AskAsync("c", "Hello?");

        using var renamed = await server.Client.PatchAsJsonAsync(
            "/api/conversations/c",
            new { title = " Better " },
            Token
        );
        Assert.Equal(HttpStatusCode.OK, renamed.StatusCode);
        Assert.Equal("Better", (await GetAsync(server, "/api/conversations/c")).GetProperty("title").GetString());
        foreach (var title in new[] { "", "  ", "a\nb", new string('x', 201), null })
        {
            using var refused = await server.Client.PatchAsJsonAsync("/api/conversations/c", new { title }, Token);
            await refused.ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        using var deleted = await server.Client.DeleteAsync("/api/conversations/c", Token);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        foreach (var path in new[] { "c", "c/messages", "c/export", "c/attachments/x" })
        {
            using var gone = await server.Client.GetAsync("/api/conversations/" + path, Token);
            await gone.ReadProblemAsync(HttpStatusCode.NotFound);
        }

        using var again = await server.Client.DeleteAsync("/api/conversations/c", Token);
        await again.ReadProblemAsync(HttpStatusCode.NotFound);
        using var late = await server.Client.PatchAsJsonAsync("/api/conversations/c", new { title = "x" }, Token);
        await late.ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_conversation_is_exported_as_json_and_as_markdown()
    {
        await using var server = await StartAsync([
            Call("search_knowledge", new { query = "descaling" }),
            Say("Every three months [[p1: ", "\"Descale the boiler every three months\"]]."),
        ]);
        await server.IngestAsync();
        await server.AskAsync("c", "How often?");

        using var json = await server.Client.GetAsync("/api/conversations/c/export", Token);
        Assert.Equal("conversation.json", json.Content.Headers.ContentDisposition?.FileName?.Trim('"'));
        var export = JsonElement.Parse(await json.Content.ReadAsStringAsync(Token));
        Assert.Equal("How often?", export.GetProperty("conversation").GetProperty("title").GetString());
        Assert.Equal(2, export.GetProperty("messages").GetArrayLength());

        using var markdown = await server.Client.GetAsync("/api/conversations/c/export?format=markdown", Token);
        Assert.Equal("text/markdown", markdown.Content.Headers.ContentType?.MediaType);
        Assert.Equal("attachment", markdown.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal(
            """
            # How often?

            ## User, 2026-01-01 12:00 UTC

            How often?

            ## Assistant, 2026-01-01 12:00 UTC

            Every three months [1].

            - [1] manual.md

            """,
            await markdown.Content.ReadAsStringAsync(Token)
        );
        using var wrong = await server.Client.GetAsync("/api/conversations/c/export?format=pdf", Token);
        await wrong.ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    private Task<SlipwayServer> StartAsync(Reply[] replies) =>
        SlipwayServer.StartAsync(
            new ScriptedChatClient(replies),
            configure: builder => builder.Services.AddSingleton<TimeProvider>(_time)
        );

    private static async Task<JsonElement> GetAsync(SlipwayServer server, string path) =>
        JsonElement.Parse(await server.Client.GetStringAsync(path, Token));

    private static IEnumerable<string?> Ids(JsonElement page) =>
        page.GetProperty("conversations")
            .EnumerateArray()
            .Select(conversation => conversation.GetProperty("id").GetString());
}
