using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedReply;
using AIChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatFinishReason = OpenAI.Chat.ChatFinishReason;

namespace Slipway.Hosting.Tests.ModelServer;

/// <summary>What the server says, read by OpenAI's own library and by the chat client that is built on it.</summary>
public sealed partial class ScriptedModelServerTests
{
    private const string Key = "sk-of-a-test";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Says_a_text_in_the_pieces_of_the_script(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("Grüß ", "Gott, ", "\"Ωμέγα\" 🚢.\n"));
        using var model = Client(server);

        var updates = await AskAsync(model, stream);

        var texts = updates.Select(update => update.Text).Where(text => text.Length > 0);
        Assert.Equal(stream ? ["Grüß ", "Gott, ", "\"Ωμέγα\" 🚢.\n"] : ["Grüß Gott, \"Ωμέγα\" 🚢.\n"], texts);
        var response = updates.ToChatResponse();
        Assert.Equal(ChatRole.Assistant, Assert.Single(response.Messages).Role);
        Assert.Equal((AIChatFinishReason.Stop, "gpt-x"), (response.FinishReason, response.ModelId));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_letter_cut_in_two_ends_no_answer(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("a\ud83d", "\udea2b\0"));
        using var model = Client(server);

        var text = (await AskAsync(model, stream)).ToChatResponse().Text;

        Assert.Equal(stream ? "a\ufffd\ufffdb\0" : "a🚢b\0", text);
    }

    [Fact]
    public async Task Speaks_with_the_library_itself()
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("One ", "two.") with { Model = "served" });
        var chat = OpenAI(server).GetChatClient("asked-for");

        ChatCompletion completion = await chat.CompleteChatAsync([new UserChatMessage("Count")], null, Token);
        Assert.Equal(("One two.", "served"), (Assert.Single(completion.Content).Text, completion.Model));

        var text = "";
        ChatFinishReason? reason = null;
        await foreach (
            var update in chat.CompleteChatStreamingAsync([new UserChatMessage("Count")], cancellationToken: Token)
        )
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal(("One two.", ChatFinishReason.Stop), (text, reason));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reports_the_usage_of_the_script(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Say("ok") with
            {
                Usage = new()
                {
                    InputTokenCount = 11,
                    OutputTokenCount = 7,
                    CachedInputTokenCount = 4,
                    ReasoningTokenCount = 5,
                },
            },
            Say("a", "b", "c")
        );
        using var model = Client(server);

        var usage = (await AskAsync(model, stream)).ToChatResponse().Usage!;
        Assert.Equal((11, 7, 18), (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.Equal((4, 5), (usage.CachedInputTokenCount, usage.ReasoningTokenCount));

        var estimate = (await AskAsync(model, stream)).ToChatResponse().Usage!;
        Assert.Equal(3, estimate.OutputTokenCount);
        Assert.True(estimate.InputTokenCount > 0);
    }

    [Theory]
    [InlineData("""{"stream":true,"stream_options":{"include_usage":true}}""", true)]
    [InlineData("""{"stream":true}""", false)]
    public async Task A_stream_ends_with_usage_only_when_it_is_asked_for(string body, bool expected)
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("Hi"));
        using HttpClient client = new();
        using StringContent content = new(body);
        using var response = await client.PostAsync(new Uri(server.Url + "/chat/completions"), content, Token);
        var events = (await response.Content.ReadAsStringAsync(Token)).Split("\n\n");

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(["data: [DONE]", ""], events[^2..]);
        Assert.Equal(expected, events[^3].Contains("\"prompt_tokens\"", StringComparison.Ordinal));
        Assert.Equal(expected, events[^3].Contains("\"choices\":[]", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Calls_tools_in_parallel_the_arguments_in_fragments(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Say("Let me see. ")
                .Then(
                    Calling(("search", new { query = "Öl 🛢" }, "c1"), ("list", null, "c2")),
                    CallInFragments("add", "c3", "{\"a\"", ":", "1", "}")
                )
        );
        using var model = Client(server);

        var response = (await AskAsync(model, stream)).ToChatResponse();

        Assert.Equal(AIChatFinishReason.ToolCalls, response.FinishReason);
        Assert.Equal("Let me see. ", response.Text);
        var calls = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
        Assert.Equal(["c1 search", "c2 list", "c3 add"], calls.Select(call => $"{call.CallId} {call.Name}"));
        Assert.Equal("Öl 🛢", calls[0].Arguments!["query"]!.ToString());
        Assert.Empty(calls[1].Arguments!);
        Assert.Equal("1", calls[2].Arguments!["a"]!.ToString());
    }

    [Fact]
    public async Task Each_fragment_of_a_call_is_a_chunk()
    {
        await using var server = await ScriptedModelServer.StartAsync(CallInFragments("add", "c1", "{\"a\"", ":1}"));
        List<string> seen = [];
        await foreach (
            var update in OpenAI(server)
                .GetChatClient("m")
                .CompleteChatStreamingAsync([new UserChatMessage("Hi")], cancellationToken: Token)
        )
        {
            seen.AddRange(
                update.ToolCallUpdates.Select(call =>
                    $"{call.Index} {call.ToolCallId} {call.FunctionName} {call.FunctionArgumentsUpdate}"
                )
            );
        }

        Assert.Equal(["0 c1 add {\"a\"", "0   :1}"], seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reasons_before_it_answers(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(Think("Well, ", "so.").Then(Say("42")));
        using var model = Client(server);

        var contents = (await AskAsync(model, stream)).SelectMany(update => update.Contents).ToList();

        Assert.Equal("Well, so.", string.Concat(contents.OfType<TextReasoningContent>().Select(part => part.Text)));
        Assert.Equal("42", string.Concat(contents.OfType<TextContent>().Select(part => part.Text)));
    }

    [Theory]
    [InlineData("stop", true), InlineData("stop", false)]
    [InlineData("length", true), InlineData("length", false)]
    [InlineData("tool_calls", true), InlineData("tool_calls", false)]
    [InlineData("content_filter", true), InlineData("content_filter", false)]
    public async Task Ends_for_any_reason(string reason, bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("x") with { FinishReason = new(reason) });
        using var model = Client(server);

        Assert.Equal(new AIChatFinishReason(reason), (await AskAsync(model, stream)).ToChatResponse().FinishReason);
    }

    [Fact]
    public async Task Replies_come_in_order_and_the_last_again_and_again()
    {
        await using var server = await ScriptedModelServer.StartAsync(Say("one"), Say("two"));
        using var model = Client(server);
        List<string> texts = [];
        for (var i = 0; i < 4; i++)
        {
            texts.Add((await model.GetResponseAsync("Hi", cancellationToken: Token)).Text);
        }

        Assert.Equal(["one", "two", "two", "two"], texts);
        Assert.Equal([0, 1, 2, 3], server.Requests.Select(request => request.Number));
    }

    [Fact]
    public async Task A_script_may_be_a_function_of_the_request_and_says_so_when_it_fails()
    {
        await using var server = await ScriptedModelServer.StartAsync(request =>
            request.LastUserText == "fail" ? throw new InvalidOperationException("Out of script.") : Echo(request)
        );
        using var model = Client(server);

        var echoed = await AskAsync(model, stream: true, "What is  said");
        Assert.Equal("What is  said", echoed.ToChatResponse().Text);
        Assert.Equal(["What ", "is ", " ", "said"], echoed.Select(update => update.Text).Where(text => text != ""));
        var error = await Assert.ThrowsAsync<ClientResultException>(() => AskAsync(model, stream: false, "fail"));
        Assert.Equal(500, error.Status);
        Assert.Contains("Out of script.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_script_it_echoes()
    {
        await using var server = await ScriptedModelServer.StartAsync();
        ChatCompletion completion = await OpenAI(server)
            .GetChatClient("m")
            .CompleteChatAsync(
                [
                    new UserChatMessage("Before"),
                    new AssistantChatMessage("Yes?"),
                    new UserChatMessage(
                        ChatMessageContentPart.CreateTextPart("Say "),
                        ChatMessageContentPart.CreateTextPart("this.")
                    ),
                ],
                null,
                Token
            );
        Assert.Equal("Say this.", Assert.Single(completion.Content).Text);
    }

    [Fact]
    public async Task Lists_models()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions { Models = InOrder(ListModels("a", "b"), Refuse(401)) }
        );
        var client = OpenAI(server).GetOpenAIModelClient();
        Assert.Equal(["a", "b"], (await client.GetModelsAsync(Token)).Value.Select(model => model.Id));
        var error = await Assert.ThrowsAsync<ClientResultException>(() => client.GetModelsAsync(Token));
        Assert.Equal(401, error.Status);
    }

    [Fact]
    public async Task Embeds_the_same_text_in_the_same_way_and_related_texts_near_to_each_other()
    {
        await using var server = await ScriptedModelServer.StartAsync();
        await using var other = await ScriptedModelServer.StartAsync();
        string[] texts = ["Descale boiler", "BOILER, descaled", "Quarterly figures", ""];
        using var model = OpenAI(server).GetEmbeddingClient("e").AsIEmbeddingGenerator(64);
        using var again = OpenAI(other).GetEmbeddingClient("e").AsIEmbeddingGenerator(64);

        var vectors = (await model.GenerateAsync(texts, cancellationToken: Token)).Select(e => e.Vector.ToArray());
        var same = (await again.GenerateAsync(texts, cancellationToken: Token)).Select(e => e.Vector.ToArray());

        Assert.Equal(vectors, same);
        var all = vectors.ToList();
        Assert.All(all, vector => Assert.Equal((64, 1f), (vector.Length, MathF.Round(Dot(vector, vector), 3))));
        Assert.True(Dot(all[0], all[1]) > Dot(all[0], all[2]) + 0.3f);
        Assert.True((await model.GenerateAsync(["x"], cancellationToken: Token)).Usage!.InputTokenCount > 0);
    }

    [Fact]
    public async Task Embeds_as_numbers_too_and_as_the_test_likes()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions { Embeddings = InOrder(Embed(3), Embed(text => [text.Length, 0.5f])) }
        );
        using HttpClient client = new();
        Assert.Equal(3, (await EmbedAsync("""{"input":"a b c"}""")).GetProperty("embedding").GetArrayLength());
        var chosen = await EmbedAsync("""{"input":["four"],"model":"m"}""");
        Assert.Equal("[4,0.5]", chosen.GetProperty("embedding").GetRawText());

        async Task<System.Text.Json.JsonElement> EmbedAsync(string body)
        {
            using StringContent content = new(body);
            using var response = await client.PostAsync(new Uri(server.Url + "/embeddings"), content, Token);
            var json = System.Text.Json.JsonElement.Parse(await response.Content.ReadAsStringAsync(Token));
            return json.GetProperty("data")[0];
        }
    }

    private static float Dot(float[] left, float[] right) => left.Zip(right, (one, other) => one * other).Sum();

    /// <summary>A client that tries once: retries are the caller's, not the server's, subject.</summary>
    private static OpenAIClient OpenAI(ScriptedModelServer server) =>
        new(
            new ApiKeyCredential(Key),
            new OpenAIClientOptions { Endpoint = server.BaseAddress, RetryPolicy = new ClientRetryPolicy(0) }
        );

    private static IChatClient Client(ScriptedModelServer server) =>
        OpenAI(server).GetChatClient("gpt-x").AsIChatClient();

    private static async Task<List<ChatResponseUpdate>> AskAsync(
        IChatClient model,
        bool stream,
        string text = "Hi",
        CancellationToken? cancellationToken = null
    )
    {
        var token = cancellationToken ?? Token;
        return stream
            ? await model.GetStreamingResponseAsync(text, cancellationToken: token).ToListAsync(token)
            : [.. (await model.GetResponseAsync(text, cancellationToken: token)).ToChatResponseUpdates()];
    }
}
