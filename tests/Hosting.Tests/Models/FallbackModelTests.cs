using Microsoft.Extensions.AI;
using Slipway.Agents.Testing;
using Slipway.Hosting.Models;
using static Slipway.Agents.Testing.ScriptedReply;

namespace Slipway.Hosting.Tests.Models;

public sealed class FallbackModelTests
{
    private readonly ImpatientTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Failures { get; } =
        new()
        {
            { "401", 1 },
            { "404", 1 },
            { "429", 2 },
            { "429 for an hour", 1 },
            { "quota", 1 },
            { "500", 2 },
            { "html", 1 },
            { "not json", 1 },
            { "broken events", 1 },
            { "empty", 1 },
            { "cut", 2 },
        };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task The_next_model_answers_when_one_cannot(string failure, int calls)
    {
        await using var first = await ScriptedModelServer.StartAsync(Fault(failure));
        await using var second = await ScriptedModelServer.StartAsync(Refuse(401));
        await using var third = await ScriptedModelServer.StartAsync(Say("third"));
        using var model = Create(first, second, third);

        Assert.Equal("third", await AskAsync(model));
        Assert.Equal(calls, first.Requests.Count);
        Assert.Single(second.Requests);
        Assert.Equal(("model-2", "key-2"), (Assert.Single(third.Requests).Model, Assert.Single(third.Requests).ApiKey));

        // What failed just now is asked last.
        Assert.Equal("third", (await model.GetResponseAsync("Hi", cancellationToken: Cancellation)).Text);
        Assert.Equal((calls, 1, 2), (first.Requests.Count, second.Requests.Count, third.Requests.Count));
    }

    [Fact]
    public async Task A_request_at_fault_is_not_sent_elsewhere()
    {
        await using var first = await ScriptedModelServer.StartAsync(Refuse(400, "too long"));
        await using var second = await ScriptedModelServer.StartAsync(Say("second"));
        using var model = Create(first, second);

        var error = await Assert.ThrowsAsync<SlipwayException>(() => AskAsync(model));

        Assert.Contains("too long", error.Message, StringComparison.Ordinal);
        Assert.Empty(second.Requests);
    }

    [Fact]
    public async Task An_answer_that_has_begun_is_not_begun_elsewhere()
    {
        await using var first = await ScriptedModelServer.StartAsync(Say("Half").Then(Cut()));
        await using var second = await ScriptedModelServer.StartAsync(Say("second"));
        using var model = Create(first, second);

        await Assert.ThrowsAsync<SlipwayException>(() => AskAsync(model));

        Assert.Empty(second.Requests);
    }

    [Fact]
    public async Task A_time_out_before_the_first_token_goes_to_the_next_model_at_once()
    {
        await using var first = await ScriptedModelServer.StartAsync(Stall());
        await using var second = await ScriptedModelServer.StartAsync(Say("second"));
        using var model = OpenAICompatible.CreateChatClient(
            new()
            {
                BaseUrl = first.Url,
                FirstTokenTimeout = TimeSpan.FromSeconds(1), // passes at once
                Fallbacks = [new() { BaseUrl = second.Url, Model = "m" }],
            },
            _time
        );

        Assert.Equal("second", await AskAsync(model));
        Assert.True(first.Requests.Count <= 1);
    }

    [Fact]
    public async Task When_all_fail_each_is_named_with_its_own_setting()
    {
        await using var first = await ScriptedModelServer.StartAsync(Refuse(401));
        await using var second = await ScriptedModelServer.StartAsync(
            Refuse(429, retryAfter: TimeSpan.FromSeconds(300))
        );
        using var model = Create(first, second);

        var error = await Assert.ThrowsAsync<SlipwayException>(() => AskAsync(model));

        Assert.Equal((ErrorClass.Transient, TimeSpan.FromSeconds(300)), (error.Class, error.RetryAfter));
        Assert.Contains(new Uri(first.Url).Authority, error.Message, StringComparison.Ordinal);
        Assert.Contains(new Uri(second.Url).Authority, error.Message, StringComparison.Ordinal);
        Assert.Contains("LLM_API_KEY", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fallback_without_an_endpoint_is_another_model_of_the_same()
    {
        await using var server = await ScriptedModelServer.StartAsync(Refuse(404), Say("other"));
        using var model = OpenAICompatible.CreateChatClient(
            new()
            {
                BaseUrl = server.Url,
                ApiKey = "key",
                Model = "gone",
                Fallbacks = [new() { Model = "there" }],
            },
            _time
        );

        Assert.Equal("other", await AskAsync(model, new() { ModelId = "named-by-the-caller" }));
        Assert.Equal(["named-by-the-caller", "there"], server.Requests.Select(request => request.Model));
        Assert.All(server.Requests, request => Assert.Equal("key", request.ApiKey));
    }

    private static ScriptedReply Fault(string name) =>
        name switch
        {
            "429 for an hour" => Refuse(429, retryAfter: TimeSpan.FromHours(1)),
            "quota" => Refuse(429, "no credit", "insufficient_quota"),
            "html" => Html,
            "not json" => NotJson,
            "broken events" => BrokenEvents,
            "empty" => EmptyStream,
            "cut" => Cut(),
            _ => Refuse(int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)),
        };

    private IChatClient Create(params ScriptedModelServer[] servers)
    {
        var models = servers.Select(
            (server, i) =>
                new ModelOptions
                {
                    BaseUrl = server.Url,
                    ApiKey = $"key-{i}",
                    Model = $"model-{i}",
                    MaxRetries = 1,
                }
        );
        return OpenAICompatible.CreateChatClient(models.First() with { Fallbacks = [.. models.Skip(1)] }, _time);
    }

    private static async Task<string> AskAsync(IChatClient model, ChatOptions? options = null) =>
        (
            await model
                .GetStreamingResponseAsync("Hi", options, cancellationToken: Cancellation)
                .ToChatResponseAsync(Cancellation)
        ).Text;
}
