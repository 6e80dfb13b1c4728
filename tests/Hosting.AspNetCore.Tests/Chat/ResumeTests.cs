using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents.Conversations;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Hosting.AspNetCore.Tests.Chat;

public sealed class ResumeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static TimeSpan Patience => SlipwayServerExtensions.Patience;

    [Fact]
    [Trait("Parity", "S35")]
    public async Task An_answer_goes_on_without_its_client_and_is_replayed_from_its_start()
    {
        var gate = new TaskCompletionSource();
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(SayThenWait("Half", gate.Task, " and half."))
        );
        using (var left = await AskAsync(server))
        {
            await ReadUntilAsync(left, "Half");
        }

        using var resumed = await GetStreamAsync(server);
        Assert.Equal(HttpStatusCode.OK, resumed.StatusCode);
        Assert.Equal("v1", resumed.Headers.GetValues("x-vercel-ai-ui-message-stream").Single());
        gate.SetResult();
        var events = await resumed.ReadEventsAsync();

        Assert.Equal("start", events[0].Type());
        Assert.Equal("Half and half.", Text(events));
        Assert.Equal("completed", events[^1].GetProperty("messageMetadata").GetProperty("status").GetString());
        using var ended = await GetStreamAsync(server);
        Assert.Equal(HttpStatusCode.NoContent, ended.StatusCode);
    }

    [Fact]
    public async Task A_client_that_names_the_last_event_it_has_seen_gets_what_follows_and_no_more()
    {
        await using var server = await (
            await SlipwayServer.StartAsync(
                new ScriptedChatClient(
                    Call("search_knowledge", new { query = "descaling" }),
                    Say("Every three months [[p1: ", "\"Descale the boiler every three months\"]].")
                )
            )
        ).IngestAsync();
        using var response = await AskAsync(server);
        var all = await ReadWithIdsAsync(response);
        Assert.All(all, item => Assert.NotNull(item.Id));
        Assert.Equal(all.Count, all.Select(item => item.Id).Distinct().Count());

        for (var seen = 0; seen < all.Count; seen++)
        {
            using var resumed = await GetStreamAsync(server, all[seen].Id);
            Assert.Equal(all.Skip(seen + 1), await ReadWithIdsAsync(resumed));
        }
    }

    [Fact]
    public async Task Where_nothing_is_being_answered_there_is_no_content()
    {
        await using var server = await SlipwayServer.StartAsync(new ScriptedChatClient(Say("ok")));
        await server.AskAsync("chat-1", "Hello?");
        foreach (
            var (chat, last) in new[]
            {
                ("chat-1", null),
                ("unknown", null),
                ("chat-1", "nonsense"),
                ("chat-1", "x:1:0"),
            }
        )
        {
            using var none = await GetStreamAsync(server, last, chat);
            Assert.Equal(HttpStatusCode.NoContent, none.StatusCode);
        }
    }

    [Fact]
    public async Task Anothers_answer_is_neither_seen_nor_stopped()
    {
        await using var server = await SlipwayServer.StartAsync(new ScriptedChatClient(Say("ok")));
        var eve = new Principal(Principal.DefaultTenant, "eve");
        await server
            .Services.GetRequiredService<ITurnStore>()
            .StartTurnAsync(
                new()
                {
                    TurnId = "hers",
                    Principal = eve,
                    ConversationId = "chat-1",
                    Messages = [new(Microsoft.Extensions.AI.ChatRole.User, "secret") { MessageId = "m" }],
                    Events = [new TurnStarted("hers", "chat-1", "m1"), new TextDelta("1", "secret")],
                },
                Token
            );

        using var stream = await GetStreamAsync(server);
        using var behind = await GetStreamAsync(server, "hers:1:0");
        using var stop = await server.Client.PostAsync("/api/chat/chat-1/stop", null, Token);
        using var ask = await AskAsync(server);

        Assert.Equal(HttpStatusCode.NoContent, stream.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, behind.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, stop.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, ask.StatusCode);
        var turn = await server.Services.GetRequiredService<IConversationStore>().FindTurnAsync(eve, "hers", Token);
        Assert.False(turn!.StopRequested);
    }

    [Fact]
    public async Task A_stop_on_another_instance_ends_the_request_at_the_provider_and_keeps_what_was_said()
    {
        await using var provider = await ScriptedModelServer.StartAsync(
            ScriptedReply.Say("Partly").Then(ScriptedReply.Stall())
        );
        await using var first = await SlipwayServer.StartAsync(settings: new() { ["LLM_BASE_URL"] = provider.Url });
        await using var second = await SlipwayServer.StartAsync(
            settings: new() { ["LLM_BASE_URL"] = provider.Url },
            beside: first
        );
        using var answer = await AskAsync(first);
        await using var lines = answer.ReadLinesAsync().GetAsyncEnumerator(Token);
        while (await lines.MoveNextAsync() && !lines.Current.Contains("Partly", StringComparison.Ordinal)) { }

        using var followed = await GetStreamAsync(second);
        using var stop = await second.Client.PostAsync("/api/chat/chat-1/stop", null, Token);

        Assert.Equal(HttpStatusCode.NoContent, stop.StatusCode);
        Assert.Equal(ScriptedOutcome.ClientLeft, await provider.Requests[0].Outcome.WaitAsync(Patience, Token));
        var events = await followed.ReadEventsAsync(); // by the log, on the other instance
        Assert.Equal("start start-step text-start text-delta text-end finish-step abort finish", Types(events));
        Assert.Equal("cancelled", events[^1].GetProperty("messageMetadata").GetProperty("status").GetString());
        while (await lines.MoveNextAsync()) { }
        Assert.Equal(["Hello?", "Partly"], await StoredAsync(second));
    }

    [Fact]
    public async Task A_second_message_is_refused_while_the_first_is_answered()
    {
        var gate = new TaskCompletionSource();
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(SayThenWait("One", gate.Task), Say("Two"))
        );
        using var first = await AskAsync(server);
        await ReadUntilAsync(first, "One");

        using var refused = await AskAsync(server, "And?");
        var problem = await refused.ReadProblemAsync(HttpStatusCode.Conflict);

        Assert.Contains("Agent:WaitForTurn", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(["Hello?"], await StoredAsync(server));
        gate.SetResult();
    }

    [Fact]
    public async Task A_second_message_waits_for_the_first_ones_answer_if_the_setting_says_so()
    {
        var gate = new TaskCompletionSource();
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(SayThenWait("One", gate.Task), Say("Two")),
            settings: new() { ["Agent:WaitForTurn"] = "00:01:00" }
        );
        using var first = await AskAsync(server);
        await ReadUntilAsync(first, "One");

        var second = AskAsync(server, "And?");
        gate.SetResult();

        Assert.Equal("Two", Text(await (await second).ReadEventsAsync()));
        Assert.Equal(["Hello?", "One", "And?", "Two"], await StoredAsync(server));
    }

    [Fact]
    public async Task A_request_that_is_sent_again_with_its_key_is_answered_once()
    {
        var model = new ScriptedChatClient(Say("Paid."));
        await using var server = await SlipwayServer.StartAsync(model);

        using var first = await AskAsync(server, "Pay!", "key-1");
        using var again = await AskAsync(server, "Pay!", "key-1");
        using var other = await AskAsync(server, "Pay more!", "key-1");

        Assert.Equal(
            (await first.ReadEventsAsync()).Select(item => item.ToString()),
            (await again.ReadEventsAsync()).Select(item => item.ToString())
        );
        await other.ReadProblemAsync(HttpStatusCode.BadRequest);
        Assert.Single(model.Calls);
        Assert.Equal(["Pay!", "Paid."], await StoredAsync(server));
    }

    [Fact]
    public async Task An_instance_that_stops_hands_its_turns_to_another_which_goes_on_at_once()
    {
        var gate = new TaskCompletionSource();
        await using var first = await SlipwayServer.StartAsync(
            new ScriptedChatClient(SayThenHang("Half")),
            settings: new() { ["Agent:DrainTime"] = "00:00:00" }
        );
        var model = new ScriptedChatClient(SayThenWait(" and", gate.Task, " half."));
        await using var second = await SlipwayServer.StartAsync(model, beside: first);
        using var answer = await AskAsync(first);
        List<(string? Id, string Data)> seen = [];
        await foreach (var item in EventsAsync(answer))
        {
            seen.Add(item);
            if (item.Data.Contains("Half", StringComparison.Ordinal))
            {
                break;
            }
        }

        await first.StopAsync();
        using var resumed = await GetStreamAsync(second, seen[^1].Id);
        gate.SetResult();
        seen.AddRange(await ReadWithIdsAsync(resumed));

        var events = seen.ConvertAll(item => JsonElement.Parse(item.Data));
        Assert.Equal("Half and half.", Text(events));
        Assert.Single(events, item => item.Type() == "start");
        Assert.Equal(["Hello?", "Half", " and half."], await StoredAsync(second));
        Assert.Equal("Half", model.Calls[0].Messages[^2].Text); // the model goes on with what the user has seen
    }

    private static Task<HttpResponseMessage> AskAsync(SlipwayServer server, string text = "Hello?", string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/chat")
        {
            Content = JsonContent.Create(SlipwayServerExtensions.Ask("chat-1", text)),
        };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
    }

    private static Task<HttpResponseMessage> GetStreamAsync(
        SlipwayServer server,
        string? lastEventId = null,
        string chat = "chat-1"
    )
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/api/chat/{chat}/stream");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
    }

    private static async Task ReadUntilAsync(HttpResponseMessage response, string text) =>
        Assert.True(
            await response.ReadLinesAsync().AnyAsync(line => line.Contains(text, StringComparison.Ordinal), Token)
        );

    private static async Task<List<(string? Id, string Data)>> ReadWithIdsAsync(HttpResponseMessage response) =>
        await EventsAsync(response).ToListAsync(Token);

    /// <summary>Each event but the last word, with its id.</summary>
    private static async IAsyncEnumerable<(string? Id, string Data)> EventsAsync(HttpResponseMessage response)
    {
        string? id = null;
        await foreach (var line in response.ReadLinesAsync())
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                id = line["id: ".Length..];
            }
            else if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                yield return (id, line["data: ".Length..]);
                id = null;
            }
        }
    }

    private static async Task<List<string>> StoredAsync(SlipwayServer server) =>
        [
            .. (
                await server
                    .Services.GetRequiredService<IConversationStore>()
                    .ReadMessagesAsync(Principal.Local, "chat-1", cancellationToken: Token)
            ).Select(message => message.Message.Text),
        ];

    private static string Types(IEnumerable<JsonElement> events) =>
        string.Join(' ', events.Select(item => item.Type()));

    private static string Text(IEnumerable<JsonElement> events) =>
        string.Concat(
            events.Where(item => item.Type() == "text-delta").Select(item => item.GetProperty("delta").GetString())
        );
}
