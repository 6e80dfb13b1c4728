using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;
using static Slipway.Hosting.AspNetCore.Tests.SlipwayServerExtensions;

namespace Slipway.Hosting.AspNetCore.Tests.Limits;

public sealed class LimitsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Parity", "S19")]
    [Trait("Parity", "S21")]
    public async Task The_sixth_answer_in_a_minute_is_refused_wherever_it_is_asked_for()
    {
        ScriptedChatClient model = new(Say("ok"));
        await using var server = await SlipwayServer.StartAsync(model, new() { ["Limits:Requests"] = "5" });
        for (var i = 0; i < 3; i++)
        {
            await server.AskAsync($"c{i}", "Hi");
        }

        Assert.Equal(HttpStatusCode.OK, (await CompleteAsync(server, stream: false)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await CompleteAsync(server, stream: true)).StatusCode);

        using var refused = await server.Client.PostStreamAsync("/api/chat", Ask("c9", "Hi"));
        var problem = await refused.ReadProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Contains("5 times in 60 seconds", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        foreach (var stream in new[] { false, true })
        {
            using var completion = await CompleteAsync(server, stream);
            Assert.Equal(HttpStatusCode.TooManyRequests, completion.StatusCode);
            Assert.InRange(completion.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
            var error = (await completion.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("error");
            Assert.Equal("rate_limit_error", error.GetProperty("type").GetString());
            Assert.Equal("rate_limit_exceeded", error.GetProperty("code").GetString());
        }

        Assert.Equal(5, model.Calls.Count);
    }

    [Fact]
    public async Task Answers_at_the_same_time_are_counted_until_they_end()
    {
        TaskCompletionSource gate = new();
        ScriptedChatClient model = new(SayThenWait("Wait", gate.Task), Say("ok"));
        await using var server = await SlipwayServer.StartAsync(model, new() { ["Limits:ConcurrentTurns"] = "1" });
        using var first = await server.Client.PostStreamAsync("/api/chat", Ask("c1", "Hi"));

        using var second = await server.Client.PostStreamAsync("/api/chat", Ask("c2", "Hi"));
        await second.ReadProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Equal(5, second.Headers.RetryAfter!.Delta!.Value.TotalSeconds);

        gate.SetResult();
        await first.ReadEventsAsync();
        await server.AskAsync("c2", "Hi");
    }

    [Fact]
    public async Task A_budget_that_is_used_up_ends_the_answer_and_then_the_day()
    {
        UsageContent usage = new(new() { InputTokenCount = 4_000, OutputTokenCount = 1_000 });
        ScriptedChatClient model = new(
            Say(new TextContent("First. "), new FunctionCallContent("c", "list_documents"), usage)
        );
        await using var server = await SlipwayServer.StartAsync(
            model,
            new()
            {
                ["Limits:TokensPerTurn"] = "5000",
                ["Limits:TokensPerDay"] = "9000",
                ["Limits:CostPerTurn"] = "0.5",
                ["Agent:Prices:0:Model"] = "scripted",
                ["Agent:Prices:0:Input"] = "1",
                ["Agent:Prices:0:Output"] = "2.5",
            }
        );

        var events = await server.AskAsync("c1", "Hi");
        var finish = events.Single(happened => happened.GetProperty("type").GetString() == "finish");
        Assert.Equal("length", finish.GetProperty("finishReason").GetString());
        Assert.Equal("budgetExhausted", finish.GetProperty("messageMetadata").GetProperty("status").GetString());

        using var refused = await server.Client.PostStreamAsync("/api/chat", Ask("c1", "More"));
        var problem = await refused.ReadProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Contains("today", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        Assert.Single(model.Calls);
    }

    [Fact]
    public async Task What_is_wrong_with_the_settings_is_named_when_the_host_starts()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            SlipwayServer.StartAsync(
                settings: new()
                {
                    ["Limits:Requests"] = "-1",
                    ["Limits:Window"] = "0",
                    ["Limits:ConcurrentTurns"] = "many",
                    ["Limits:TokensPerDay"] = "100",
                    ["Limits:CostPerTurn"] = "2",
                    ["Limits:CostPerDay"] = "1",
                }
            )
        );

        string[] expected =
        [
            "Limits:Requests",
            "Limits:Window",
            "Limits:ConcurrentTurns",
            "Limits:TokensPerDay is set and Limits:TokensPerTurn is not",
            "Limits:CostPerTurn is 2, more than",
            "no price is known; set Agent:Prices:0:Model",
        ];
        Assert.All(expected, part => Assert.Contains(part, error.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_wrong_with_the_prices_is_named_when_the_host_starts()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            SlipwayServer.StartAsync(
                settings: new()
                {
                    ["Agent:Prices:0:Input"] = "-1",
                    ["Agent:Prices:0:Output"] = "dear",
                    ["Agent:Prices:0:Cached"] = "1",
                }
            )
        );

        string[] expected =
        [
            "Agent:Prices:0:Model is empty",
            "Agent:Prices:0:Input is -1",
            "Agent:Prices:0:Output is 'dear'",
            "Agent:Prices:0:Cached is not a setting",
        ];
        Assert.All(expected, part => Assert.Contains(part, error.ToString(), StringComparison.Ordinal));
    }

    private static Task<HttpResponseMessage> CompleteAsync(SlipwayServer server, bool stream) =>
        server.Client.PostAsJsonAsync(
            "/v1/chat/completions",
            new
            {
                model = "agent",
                stream,
                messages = new[] { new { role = "user", content = "Hi" } },
            },
            Token
        );
}
