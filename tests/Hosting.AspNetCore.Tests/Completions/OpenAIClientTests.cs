using System.ClientModel;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;
using ChatFinishReason = OpenAI.Chat.ChatFinishReason;
using ChatMessage = OpenAI.Chat.ChatMessage;

namespace Slipway.Hosting.AspNetCore.Tests.Completions;

/// <summary>The OpenAI library itself, pointed at the server: no special case on either side.</summary>
public sealed class OpenAIClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Completes_a_chat()
    {
        var model = new ScriptedChatClient(Say(new TextContent("Hello "), new TextContent("there."), Usage(11, 3)));
        await using var server = await SlipwayServer.StartAsync(model);

        ChatCompletion completion = await Chat(server)
            .CompleteChatAsync(
                [
                    new SystemChatMessage("Be brief."),
                    new UserChatMessage("Hi"),
                    new AssistantChatMessage("Yes?"),
                    new UserChatMessage(
                        ChatMessageContentPart.CreateTextPart("Greet "),
                        ChatMessageContentPart.CreateTextPart("me")
                    ),
                ],
                new ChatCompletionOptions
                {
                    Temperature = 0.5f,
                    MaxOutputTokenCount = 50,
                    StopSequences = { "END" },
                },
                Token
            );

        Assert.Equal("Hello there.", completion.Content.Single().Text);
        Assert.Equal(ChatFinishReason.Stop, completion.FinishReason);
        Assert.Equal(
            (11, 3, 14),
            (completion.Usage.InputTokenCount, completion.Usage.OutputTokenCount, completion.Usage.TotalTokenCount)
        );
        var (messages, options) = Assert.Single(model.Calls);
        Assert.Equal(
            ["Hi", "Yes?", "Greet me"],
            messages.Where(message => message.Role != ChatRole.System).Select(message => message.Text)
        );
        Assert.Contains(
            messages,
            message => message.Role == ChatRole.System && message.Text.Contains("Be brief.", StringComparison.Ordinal)
        );
        Assert.Equal(
            (0.5f, 50, "END"),
            (options!.Temperature, options.MaxOutputTokens, Assert.Single(options.StopSequences!))
        );
    }

    [Fact]
    public async Task Streams_with_usage_at_the_end()
    {
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(Say(new TextContent("One "), new TextContent("two."), Usage(5, 2)))
        );
        var text = "";
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;
        await foreach (
            var update in Chat(server)
                .CompleteChatStreamingAsync([new UserChatMessage("Count")], cancellationToken: Token)
        )
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal(("One two.", ChatFinishReason.Stop), (text, reason));
        Assert.Equal((5, 2), (usage!.InputTokenCount, usage.OutputTokenCount));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cites_by_annotations(bool stream)
    {
        await using var server = await (
            await SlipwayServer.StartAsync(
                new ScriptedChatClient(
                    Call("search_knowledge", new { query = "descaling" }),
                    Say("Use acid [[p1: \"citric acid\"]]", ", every quarter [[p1: \"every three months\"]].")
                )
            )
        ).IngestAsync();
        List<Annotation> annotations = [];
        var text = "";
        if (stream)
        {
            using var response = await server.Client.PostStreamAsync("/v1/chat/completions", Body(stream: true));
            foreach (var item in await response.ReadEventsAsync())
            {
                var delta = item.GetProperty("choices")[0].GetProperty("delta");
                text += delta.TryGetProperty("content", out var content) ? content.GetString() : "";
                if (delta.TryGetProperty("annotations", out var found))
                {
                    annotations.AddRange(found.EnumerateArray().Select(Annotation.Read));
                }
            }
        }
        else
        {
            using var response = await server.Client.PostStreamAsync("/v1/chat/completions", Body(stream: false));
            var json = System.Text.Json.JsonElement.Parse(await response.Content.ReadAsStringAsync(Token));
            var message = json.GetProperty("choices")[0].GetProperty("message");
            text = message.GetProperty("content").GetString();
            annotations.AddRange(message.GetProperty("annotations").EnumerateArray().Select(Annotation.Read));
        }

        Assert.Equal("Use acid [1], every quarter [2].", text);
        Assert.Equal(["[1]", "[2]"], annotations.Select(item => text![item.Start..item.End]));
        Assert.All(annotations, item => Assert.Equal("Espresso machine", item.Title));
        var passage = System.Text.Json.JsonElement.Parse(await server.Client.GetStringAsync(annotations[0].Url, Token));
        Assert.Equal("citric acid", passage.GetProperty("passage").GetProperty("text").GetString());
    }

    [Fact]
    public async Task The_callers_tools_are_called_by_the_caller()
    {
        var model = new ScriptedChatClient(Call("get_weather", new { city = "Oslo" }, "call-7"), Say("Rain in Oslo."));
        await using var server = await SlipwayServer.StartAsync(model);
        var tool = ChatTool.CreateFunctionTool(
            "get_weather",
            "The weather of a city",
            BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""")
        );
        var chat = Chat(server);
        List<ChatMessage> messages = [new UserChatMessage("Weather in Oslo?")];

        ChatCompletion asked = await chat.CompleteChatAsync(
            messages,
            new ChatCompletionOptions { Tools = { tool } },
            Token
        );

        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        var call = Assert.Single(asked.ToolCalls);
        Assert.Equal(
            ("call-7", "get_weather", """{"city":"Oslo"}"""),
            (call.Id, call.FunctionName, call.FunctionArguments.ToString())
        );

        messages.Add(new AssistantChatMessage(asked));
        messages.Add(new ToolChatMessage(call.Id, "rain"));
        ChatCompletion answered = await chat.CompleteChatAsync(
            messages,
            new ChatCompletionOptions { Tools = { tool } },
            Token
        );

        Assert.Equal("Rain in Oslo.", answered.Content.Single().Text);
        var seen = model.Calls[^1].Messages;
        Assert.Equal(
            "call-7",
            seen.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Single().CallId
        );
        Assert.Equal(
            "rain",
            seen.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Single().Result?.ToString()
        );
    }

    [Fact]
    public async Task Streams_tool_calls()
    {
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(Call("get_weather", new { city = "Oslo" }, "call-7"))
        );
        IChatClient chat = Chat(server).AsIChatClient();
        var response = await chat.GetStreamingResponseAsync(
                "Weather?",
                new ChatOptions
                {
                    Tools =
                    [
                        AIFunctionFactory.CreateDeclaration(
                            "get_weather",
                            null,
                            System.Text.Json.JsonElement.Parse("{}")
                        ),
                    ],
                },
                Token
            )
            .ToChatResponseAsync(Token);
        Assert.Equal(Microsoft.Extensions.AI.ChatFinishReason.ToolCalls, response.FinishReason);
        var call = Assert.Single(
            response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()
        );
        Assert.Equal("Oslo", call.Arguments!["city"]?.ToString());
    }

    [Fact]
    public async Task Lists_the_agent_as_a_model()
    {
        await using var server = await SlipwayServer.StartAsync(settings: new() { ["Agent:Name"] = "helpdesk" });
        var models = OpenAI(server).GetOpenAIModelClient();
        Assert.Equal("helpdesk", Assert.Single((await models.GetModelsAsync(Token)).Value).Id);
        Assert.Equal("helpdesk", (await models.GetModelAsync("helpdesk", Token)).Value.Id);
        var error = await Assert.ThrowsAsync<ClientResultException>(() => models.GetModelAsync("gpt-9", Token));
        Assert.Equal(404, error.Status);
        Assert.Contains("'model' may be 'helpdesk'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ErrorClass.Transient, 503, false)]
    [InlineData(ErrorClass.Transient, 503, true)]
    [InlineData(ErrorClass.Authentication, 500, false)]
    public async Task A_model_that_fails_before_it_says_anything_is_an_error_by_status(
        ErrorClass errorClass,
        int status,
        bool stream
    )
    {
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(SayThenFail("", new SlipwayException(errorClass, "The model is out.")))
        );
        using var response = await server.Client.PostStreamAsync("/v1/chat/completions", Body(stream));
        Assert.Equal(status, (int)response.StatusCode);
        var error = System
            .Text.Json.JsonElement.Parse(await response.Content.ReadAsStringAsync(Token))
            .GetProperty("error");
        Assert.Equal("server_error", error.GetProperty("type").GetString());
        Assert.Contains("The model is out.", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_fails_in_mid_stream_ends_it_with_an_error()
    {
        await using var server = await SlipwayServer.StartAsync(
            new ScriptedChatClient(SayThenFail("Well", new SlipwayException(ErrorClass.Transient, "The model is out.")))
        );
        using var response = await server.Client.PostStreamAsync("/v1/chat/completions", Body(stream: true));
        var events = await response.ReadEventsAsync();
        Assert.Contains(
            "The model is out.",
            events[^1].GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", 404, "The model ''")]
    [InlineData("""{"model":"agent","messages":[]}""", 400, "'messages'")]
    [InlineData(
        """{"model":"agent","messages":[{"role":"wizard","content":"x"}]}""",
        400,
        "'messages[0].role' is 'wizard'"
    )]
    [InlineData("""{"model":"agent","messages":[{"role":"user","content":7}]}""", 400, "'messages[0].content'")]
    [InlineData("""{"model":"agent","messages":[{"role":"user","content":[{"type":"video"}]}]}""", 400, "'video'")]
    [InlineData(
        """{"model":"agent","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"ftp://x"}}]}]}""",
        400,
        "image"
    )]
    [InlineData(
        """{"model":"agent","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x"}}]}]}""",
        400,
        "image"
    )]
    [InlineData("""{"model":"agent","messages":[{"role":"tool","content":"x"}]}""", 400, "tool_call_id")]
    [InlineData(
        """{"model":"agent","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"["}}]}]}""",
        400,
        "not a JSON object"
    )]
    [InlineData(
        """{"model":"agent","messages":[{"role":"assistant","tool_calls":[{"id":"1"}]}]}""",
        400,
        "without id or function name"
    )]
    [InlineData("""{"model":"agent","n":3,"messages":[{"role":"user","content":"x"}]}""", 400, "'n' is 3")]
    [InlineData("""{"model":"agent","stop":7,"messages":[{"role":"user","content":"x"}]}""", 400, "'stop'")]
    [InlineData(
        """{"model":"agent","tool_choice":"maybe","messages":[{"role":"user","content":"x"}]}""",
        400,
        "'maybe'"
    )]
    [InlineData(
        """{"model":"agent","tool_choice":7,"messages":[{"role":"user","content":"x"}]}""",
        400,
        "'tool_choice'"
    )]
    [InlineData(
        """{"model":"agent","tools":[{"type":"retrieval"}],"messages":[{"role":"user","content":"x"}]}""",
        400,
        "'tools'"
    )]
    [InlineData(
        """{"model":"agent","response_format":{"type":"xml"},"messages":[{"role":"user","content":"x"}]}""",
        400,
        "'xml'"
    )]
    [InlineData("""{"model":"agent","messages":"x"}""", 400, "$.messages")]
    public async Task A_request_that_cannot_be_taken_says_why_as_openai_does(string body, int status, string message)
    {
        await using var server = await SlipwayServer.StartAsync();
        using var response = await server.Client.PostAsync(
            "/v1/chat/completions",
            new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
            Token
        );
        var text = await response.Content.ReadAsStringAsync(Token);
        Assert.True(status == (int)response.StatusCode, text);
        var error = System.Text.Json.JsonElement.Parse(text).GetProperty("error");
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_option_reaches_the_model()
    {
        var model = new ScriptedChatClient(Say("{}"));
        await using var server = await SlipwayServer.StartAsync(model);
        using var response = await server.Client.PostAsync(
            "/v1/chat/completions",
            new StringContent(
                """
                {"model":"agent","messages":[{"role":"developer","content":"x"},{"role":"user","name":"Ada","content":[
                  {"type":"text","text":"y"},
                  {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
                  {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],
                 "top_p":0.5,"max_tokens":7,"frequency_penalty":0.1,"presence_penalty":0.2,"seed":42,"stop":["a","b"],
                 "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false,
                 "tools":[{"type":"function","function":{"name":"f"}}],
                 "response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}}}
                """,
                System.Text.Encoding.UTF8,
                "application/json"
            ),
            Token
        );
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Token));
        var (messages, options) = Assert.Single(model.Calls);
        var user = messages.Single(message => message.Role == ChatRole.User);
        Assert.Equal("Ada", user.AuthorName);
        Assert.Equal("https://example.com/a.png", user.Contents.OfType<UriContent>().Single().Uri.ToString());
        Assert.Equal("image/png", user.Contents.OfType<DataContent>().Single().MediaType);
        Assert.Equal(
            (0.5f, 7, 0.1f, 0.2f, 42L),
            (options!.TopP, options.MaxOutputTokens, options.FrequencyPenalty, options.PresencePenalty, options.Seed)
        );
        Assert.Equal(["a", "b"], options.StopSequences!);
        Assert.Equal(ChatToolMode.RequireSpecific("f"), options.ToolMode);
        Assert.False(options.AllowMultipleToolCalls);
        Assert.IsType<ChatResponseFormatJson>(options.ResponseFormat);
    }

    private static object Body(bool stream) =>
        new
        {
            model = "agent",
            stream,
            messages = new[] { new { role = "user", content = "How?" } },
        };

    private static UsageContent Usage(int input, int output) =>
        new(new UsageDetails { InputTokenCount = input, OutputTokenCount = output });

    private static OpenAIClient OpenAI(SlipwayServer server) =>
        new(new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(server.Url, "/v1") });

    private static ChatClient Chat(SlipwayServer server) => OpenAI(server).GetChatClient("agent");

    private sealed record Annotation(int Start, int End, string Url, string Title)
    {
        public static Annotation Read(System.Text.Json.JsonElement json)
        {
            var url = json.GetProperty("url_citation");
            return new(
                url.GetProperty("start_index").GetInt32(),
                url.GetProperty("end_index").GetInt32(),
                url.GetProperty("url").GetString()!,
                url.GetProperty("title").GetString()!
            );
        }
    }
}
