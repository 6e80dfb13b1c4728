using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents.Conversations;
using Slipway.Agents.Testing;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Context;

public sealed class HistoryTests : IDisposable
{
    private readonly AgentFixture _agent = new();

    public void Dispose() => _agent.Dispose();

    [Theory, Trait("Parity", "S15")]
    [InlineData(10, 5)]
    [InlineData(4, 2)]
    [InlineData(1, 1)]
    public async Task The_window_holds_so_many_messages_in_whole_exchanges(int messages, int exchanges)
    {
        _agent.Options.HistoryMessages = messages;
        _agent.Tools.Add(AIFunctionFactory.Create(() => "found", "look"));
        ScriptedChatClient model = new([
            .. Enumerable.Range(0, 8).SelectMany(i => new[] { Call("look", callId: $"call{i}"), Say($"a{i}") }),
        ]);
        for (var i = 0; i < 8; i++)
        {
            await _agent.RunAsync(model, $"q{i}");
        }

        var seen = model.Calls[14].Messages.Skip(1).ToList();
        Assert.Equal(
            Enumerable.Range(8 - exchanges, exchanges).Select(i => $"q{i}"),
            seen.Where(message => message.Role == ChatRole.User).Select(message => message.Text)
        );
        Assert.Equal((4 * exchanges) - 3, seen.Count);
    }

    [Fact]
    public async Task The_oldest_exchanges_are_left_out_when_there_are_too_many_tokens()
    {
        _agent.Options.HistoryTokens = 100;
        ScriptedChatClient model = new(Say(new string('x', 300)));
        await _agent.RunAsync(model, "first");
        await _agent.RunAsync(model, "second");

        await _agent.RunAsync(model, new string('y', 1_000));

        Assert.Equal([new string('y', 1_000)], model.Calls[2].Messages.Skip(1).Select(message => message.Text));
        await _agent.RunAsync(model, "short");
        Assert.Equal(["short"], model.Calls[3].Messages.Skip(1).Select(message => message.Text));
    }

    [Fact, Trait("Parity", "S16")]
    public async Task A_call_whose_result_cannot_be_read_is_not_sent()
    {
        _agent.Tools.Add(AIFunctionFactory.Create(() => "found", "look"));
        await _agent.RunAsync(new ScriptedChatClient(Call("look"), Say("a1")), "q1");
        _agent.Query("update messages set content = 'damaged' where role = 'tool'");
        ScriptedChatClient model = new(Say("a2"));

        await _agent.RunAsync(model, "q2");

        Assert.Equal(["q1", "a1", "q2"], model.Calls[0].Messages.Skip(1).Select(message => message.Text));
        Assert.DoesNotContain(model.Calls[0].Messages, message => message.Contents.OfType<FunctionCallContent>().Any());
    }

    [Fact, Trait("Parity", "S12")]
    public async Task Attachments_are_stored_and_reach_the_model_again()
    {
        ScriptedChatClient model = new(Say("nice"));
        ChatMessage message = new(
            ChatRole.User,
            [new TextContent("look"), new DataContent(new byte[] { 1, 2, 3 }, "image/png")]
        );
        TurnRequest request = new()
        {
            Principal = Principal.Local,
            ConversationId = "c1",
            Messages = [message],
        };

        await _agent.Runner(model).RunAsync(request, AgentFixture.Cancellation).CountAsync(AgentFixture.Cancellation);
        await _agent.RunAsync(model, "and now?");

        Assert.All(
            model.Calls,
            call =>
            {
                var image = Assert.Single(call.Messages[1].Contents.OfType<DataContent>());
                Assert.Equal([1, 2, 3], image.Data.ToArray());
                Assert.Equal("image/png", image.MediaType);
            }
        );
        Assert.Null(message.MessageId);
    }

    [Fact]
    public async Task Reasoning_is_stored_and_not_sent_again()
    {
        await _agent.RunAsync(new ScriptedChatClient(Say(new TextReasoningContent("hm"), new TextContent("a"))), "q");
        ScriptedChatClient model = new(Say("b"));

        await _agent.RunAsync(model, "more");

        Assert.Equal(
            "hm",
            Assert.Single((await _agent.StoredAsync())[1].Message.Contents.OfType<TextReasoningContent>()).Text
        );
        Assert.DoesNotContain(
            model.Calls[0].Messages,
            message => message.Contents.OfType<TextReasoningContent>().Any()
        );
    }

    [Fact]
    public async Task Arguments_that_no_database_takes_are_stored_scrubbed()
    {
        _agent.Tools.Add(AIFunctionFactory.Create((string text) => text.Length, "measure"));
        var arguments = JsonDocument
            .Parse("""{"text":"a\u0000b"}""")
            .RootElement.EnumerateObject()
            .ToDictionary(p => p.Name, p => (object?)p.Value);

        var events = await _agent.RunAsync(new ScriptedChatClient(Call("measure", arguments), Say("ok")), "q");

        Assert.Equal(TurnStatus.Completed, events.End().Status);
        var call = Assert.Single((await _agent.StoredAsync())[1].Message.Contents.OfType<FunctionCallContent>());
        Assert.Equal("a\uFFFDb", call.Arguments!["text"]!.ToString());
    }

    [Fact]
    public async Task Arguments_with_half_a_character_do_not_end_the_turn_unstored()
    {
        _agent.Tools.Add(AIFunctionFactory.Create((string text) => text.Length, "measure"));
        var arguments = JsonDocument
            .Parse("""{"text":"a\ud83d"}""")
            .RootElement.EnumerateObject()
            .ToDictionary(p => p.Name, p => (object?)p.Value);

        var events = await _agent.RunAsync(new ScriptedChatClient(Call("measure", arguments), Say("ok")), "q");

        Assert.Equal(TurnStatus.Completed, events.End().Status);
        Assert.Equal(4, (await _agent.StoredAsync()).Count);
    }

    [Fact]
    public async Task Tools_get_the_services_of_the_turns_own_scope()
    {
        var services = new ServiceCollection().AddScoped<Marker>().BuildServiceProvider();
        List<Marker> seen = [];
        ToolSource tools = new(
            (_, _) =>
                new([
                    AIFunctionFactory.Create(
                        (IServiceProvider provider) => seen.Add(provider.GetRequiredService<Marker>()),
                        "mark"
                    ),
                ])
        );
        TurnRunner runner = new(
            new ScriptedChatClient(
                Calling(("mark", null, "1"), ("mark", null, "2")),
                Say("ok"),
                Call("mark"),
                Say("ok")
            ),
            _agent.Conversations,
            _agent.Turns,
            tools,
            passages: null,
            _agent.Options,
            scopes: services.GetRequiredService<IServiceScopeFactory>()
        );

        for (var i = 0; i < 2; i++)
        {
            await runner
                .RunAsync(
                    new() { Principal = Principal.Local, Messages = [new(ChatRole.User, "go")] },
                    AgentFixture.Cancellation
                )
                .CountAsync(AgentFixture.Cancellation);
        }

        Assert.Same(seen[0], seen[1]);
        Assert.NotSame(seen[1], seen[2]);
        Assert.All(seen, marker => Assert.True(marker.Disposed));
    }

    [Fact, Trait("Tier", "fast")]
    public void Titles_are_short_and_whole()
    {
        Assert.Equal("What is this?", ConversationTitle.From("  What is\n this? "));
        Assert.Null(ConversationTitle.From(" "));
        Assert.Equal(
            string.Join(' ', Enumerable.Repeat("word", 12))[..59] + "…",
            ConversationTitle.From(string.Join(' ', Enumerable.Repeat("word", 40)))
        );
        Assert.All(
            [59, 60, 61],
            length => Assert.InRange(ConversationTitle.From(new string('x', length - 2) + "😀😀")!.Length, 57, 61)
        );
        Assert.DoesNotContain('\uFFFD', ConversationTitle.From(new string('x', 58) + "😀😀😀")!);
    }

    private sealed class Marker : IDisposable
    {
        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}
