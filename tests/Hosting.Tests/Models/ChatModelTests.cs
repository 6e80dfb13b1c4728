using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Models;
using Slipway.Agents.Testing;
using Slipway.Hosting.Models;
using static Slipway.Agents.Testing.ScriptedReply;

namespace Slipway.Hosting.Tests.Models;

public sealed class ChatModelTests
{
    private const string Key = "sk-test-abcdef";
    private readonly ImpatientTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("openai"), InlineData("openrouter"), InlineData("ollama"), InlineData("vllm"), InlineData(null)]
    [Trait("Parity", "S37")]
    public async Task Every_provider_is_spoken_to_by_one_client(string? provider)
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Say("Hel", "lo") with
            {
                Model = "served-model",
                Usage = new() { InputTokenCount = 11, OutputTokenCount = 7 },
            }
        );
        using var model = OpenAICompatible.CreateChatClient(
            new()
            {
                Provider = provider,
                BaseUrl = server.Url,
                ApiKey = Key,
                Model = "my-model",
            }
        );

        var response = await model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .ToChatResponseAsync(Cancellation);

        Assert.Equal("Hello", response.Text);
        Assert.Equal((11, 7), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount));
        Assert.Equal("served-model", response.ModelId);
        var request = Assert.Single(server.Requests);
        Assert.Equal(("/v1/chat/completions", Key), (request.Path, request.ApiKey));
        Assert.Equal("my-model", request.Model);
    }

    [Fact, Trait("Parity", "S36")]
    public async Task Model_and_key_have_the_older_systems_defaults()
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("ok"));
        using var model = OpenAICompatible.CreateChatClient(new() { BaseUrl = server.Url });

        var response = await model.GetResponseAsync("Hi", cancellationToken: Cancellation);

        Assert.Equal("ok", response.Text);
        var request = Assert.Single(server.Requests);
        Assert.Equal(("ollama", "gpt-4o-mini"), (request.ApiKey, request.Model));
    }

    [Theory, Trait("Parity", "S36"), Trait("Tier", "fast")]
    [InlineData(null, "https://api.openai.com/v1")]
    [InlineData("OpenAI", "https://api.openai.com/v1")]
    [InlineData("openrouter", "https://openrouter.ai/api/v1")]
    [InlineData("ollama", "http://localhost:11434/v1")]
    public void Base_urls_of_providers(string? provider, string expected) =>
        Assert.Equal(new Uri(expected), new ModelOptions { Provider = provider, ApiKey = Key }.EndpointInUse);

    [Fact, Trait("Tier", "fast")]
    public void Nothing_set_is_no_model_and_no_failure()
    {
        ModelOptions options = new();

        Assert.False(options.IsConfigured);
        Assert.Empty(options.Validate());
    }

    [Theory, Trait("Tier", "fast")]
    [InlineData("ftp://x", null, null, "LLM_BASE_URL")]
    [InlineData(null, "claude", "k", "LLM_PROVIDER")]
    [InlineData(null, "openai", null, "LLM_API_KEY")]
    public void Settings_that_cannot_work_are_named(string? url, string? provider, string? key, string setting)
    {
        ModelOptions options = new()
        {
            BaseUrl = url,
            Provider = provider,
            ApiKey = key,
        };

        Assert.Contains(setting, Assert.Single(options.Validate()), StringComparison.Ordinal);
        Assert.Equal(
            ErrorClass.Configuration,
            Assert.Throws<SlipwayException>(() => OpenAICompatible.CreateChatClient(options)).Class
        );
    }

    [Fact]
    public async Task Tool_calls_arrive_whole()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Calling(("search_knowledge", """{"query":"boiler size"}""", "c1"), ("list_documents", "{}", "c2"))
        );
        using var model = OpenAICompatible.CreateChatClient(new() { BaseUrl = server.Url });

        var response = await model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .ToChatResponseAsync(Cancellation);

        var calls = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
        Assert.Equal(["search_knowledge", "list_documents"], calls.Select(call => call.Name));
        Assert.Equal("boiler size", ((JsonElement)calls[0].Arguments!["query"]!).GetString());
    }

    [Theory]
    [InlineData(401, ErrorClass.Authentication, "LLM_API_KEY")]
    [InlineData(403, ErrorClass.Authentication, "LLM_API_KEY")]
    [InlineData(404, ErrorClass.Configuration, "LLM_CHOICE")]
    [InlineData(400, ErrorClass.Permanent, "LLM_CHOICE")]
    [InlineData(429, ErrorClass.Transient, "again")]
    [InlineData(500, ErrorClass.Transient, "again")]
    [InlineData(503, ErrorClass.Transient, "again")]
    public async Task Refusals_name_the_host_the_status_and_the_setting(int status, ErrorClass expected, string fix)
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Refuse(status, "Incorrect API key provided: " + Key)
        );

        var error = await FailAsync(server);

        Assert.Equal(expected, error.Class);
        Assert.Contains(new Uri(server.Url).Authority, error.Message, StringComparison.Ordinal);
        Assert.Contains($"{status}", error.Message, StringComparison.Ordinal);
        Assert.Contains(fix, error.Fix, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, error.Message + error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_used_up_account_is_not_tried_again_later()
    {
        await using var server = await ScriptedModelServer.StartAsync(Refuse(429, "no credit", "insufficient_quota"));

        var error = await FailAsync(server);

        Assert.Single(server.Requests);
        Assert.Equal(ErrorClass.Authentication, error.Class);
        Assert.Contains("LLM_API_KEY", error.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(429), InlineData(500), InlineData(503)]
    public async Task A_passing_failure_is_tried_again_after_the_time_that_was_asked_for(int status)
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Refuse(status, retryAfter: TimeSpan.FromSeconds(7)),
            Say("ok")
        );
        using var model = Create(server);

        var response = await model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .ToChatResponseAsync(Cancellation);

        Assert.Equal("ok", response.Text);
        Assert.Equal(2, server.Requests.Count);
        Assert.Contains(TimeSpan.FromSeconds(7), _time.Waits);
    }

    [Fact]
    public async Task A_long_wait_is_left_to_the_caller()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Refuse(429, retryAfter: TimeSpan.FromSeconds(600))
        );

        var error = await FailAsync(server);

        Assert.Single(server.Requests);
        Assert.Equal(TimeSpan.FromSeconds(600), error.RetryAfter);
    }

    [Fact]
    public async Task Retries_end()
    {
        await using var server = await ScriptedModelServer.StartAsync(Refuse(500));

        await FailAsync(server);

        Assert.Equal(1 + EndpointOptions.DefaultMaxRetries, server.Requests.Count);
    }

    [Theory]
    [InlineData("<html>hello</html>", "text/html")]
    [InlineData("data: {\"cho\n\ndata: [DONE]\n\n", "text/event-stream")]
    [InlineData("", "text/event-stream")]
    [InlineData("{\"choices\": 3}", "application/json")]
    public async Task An_answer_in_another_protocol_is_said_to_be_one(string body, string contentType)
    {
        await using var server = await ScriptedModelServer.StartAsync(Raw(body, contentType));

        var streamed = await FailAsync(server);
        var whole = await FailAsync(server, streaming: false);

        Assert.All(
            [streamed, whole],
            error =>
            {
                Assert.Equal(ErrorClass.Configuration, error.Class);
                Assert.Contains("LLM_BASE_URL", error.Fix, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public async Task A_broken_connection_is_not_tried_again_once_the_answer_has_begun()
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("Half an").Then(Cut()));
        using var model = Create(server);
        List<string> said = [];

        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation))
            {
                said.Add(update.Text);
            }
        });

        Assert.Equal("Half an", string.Concat(said));
        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_connection_that_broke_before_the_first_token_is_made_again()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Cut(),
            Say().Then(Cut()) with
            {
                SendsHeadersAtOnce = true,
            },
            Say("ok")
        );
        using var model = Create(server);

        var response = await model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .ToChatResponseAsync(Cancellation);

        Assert.Equal("ok", response.Text);
        Assert.Equal(3, server.Requests.Count);
        Assert.All(_time.Waits, wait => Assert.InRange(wait, TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_named()
    {
        string url;
        await using (var server = await ScriptedModelServer.StartAsync(Say("ok")))
        {
            url = server.Url;
        }

        using var model = OpenAICompatible.CreateChatClient(new() { BaseUrl = url }, _time);
        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            model.GetResponseAsync("Hi", cancellationToken: Cancellation)
        );

        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains(new Uri(url).Authority, error.Message, StringComparison.Ordinal);
        Assert.Contains("LLM_BASE_URL", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_named()
    {
        using var model = OpenAICompatible.CreateChatClient(new() { BaseUrl = "http://nowhere.invalid/v1" }, _time);

        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            model.GetResponseAsync("Hi", cancellationToken: Cancellation)
        );

        Assert.Contains("nowhere.invalid", error.Message, StringComparison.Ordinal);
        Assert.Contains("LLM_BASE_URL", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silence_before_the_answer_ends_after_the_time_out()
    {
        FakeTimeProvider time = new();
        await using var server = await ScriptedModelServer.StartAsync(Stall());
        using var model = OpenAICompatible.CreateChatClient(new() { BaseUrl = server.Url }, time);

        var response = model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .ToChatResponseAsync(Cancellation);
        var request = await server.WaitForRequestAsync(cancellationToken: Cancellation);
        time.Advance(TimeSpan.FromSeconds(61));

        var error = await Assert.ThrowsAsync<ModelTimeoutException>(() =>
            response.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)
        );
        Assert.Equal((ErrorClass.Transient, "Agent:Model:FirstTokenTimeout"), (error.Class, error.Setting));
        Assert.Contains("nothing for 60 seconds", error.Message, StringComparison.Ordinal);
        Assert.Contains(error.Setting, error.Fix, StringComparison.Ordinal);
        Assert.Equal(ScriptedOutcome.ClientLeft, await EndOf(request));
        Assert.Single(server.Requests); // who waited already does not wait again
    }

    [Fact]
    public async Task Silence_in_the_middle_of_the_answer_ends_after_the_time_out()
    {
        FakeTimeProvider time = new();
        await using var server = await ScriptedModelServer.StartAsync(Say("Half").Then(Stall()));
        using var model = OpenAICompatible.CreateChatClient(
            new()
            {
                BaseUrl = server.Url,
                FirstTokenTimeout = TimeSpan.FromSeconds(90),
                TokenTimeout = TimeSpan.FromSeconds(20),
            },
            time
        );
        await using var updates = model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .GetAsyncEnumerator(Cancellation);

        Assert.True(await updates.MoveNextAsync());
        time.Advance(TimeSpan.FromSeconds(50)); // between two waits the clock stands still for the model
        var next = updates.MoveNextAsync().AsTask();
        time.Advance(TimeSpan.FromSeconds(19));
        Assert.False(next.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));

        var error = await Assert.ThrowsAsync<ModelTimeoutException>(() =>
            next.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)
        );
        Assert.Equal("Agent:Model:TokenTimeout", error.Setting);
        Assert.Contains("nothing for 20 seconds", error.Message, StringComparison.Ordinal);
        Assert.Equal(ScriptedOutcome.ClientLeft, await EndOf(server.Requests[0]));
    }

    [Fact]
    public async Task The_callers_cancellation_stays_one()
    {
        using CancellationTokenSource stop = new();
        await using var server = await ScriptedModelServer.StartAsync(Stall());
        using var model = Create(server);

        var response = model.GetResponseAsync("Hi", cancellationToken: stop.Token);
        var request = await server.WaitForRequestAsync(cancellationToken: Cancellation);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => response);
        Assert.Equal(ScriptedOutcome.ClientLeft, await EndOf(request));
    }

    private static Task<ScriptedOutcome> EndOf(ScriptedRequest request) =>
        request.Outcome.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

    private IChatClient Create(ScriptedModelServer server) =>
        OpenAICompatible.CreateChatClient(new() { BaseUrl = server.Url, ApiKey = Key }, _time);

    private async Task<SlipwayException> FailAsync(ScriptedModelServer server, bool streaming = true)
    {
        using var model = Create(server);
        return await Assert.ThrowsAsync<SlipwayException>(() =>
            streaming
                ? model
                    .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
                    .ToChatResponseAsync(Cancellation)
                : model.GetResponseAsync("Hi", cancellationToken: Cancellation)
        );
    }
}
