using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents.Conversations;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Hosting.AspNetCore.Tests.Conversations;

[Trait("Parity", "S17")]
public sealed class TitleTests
{
    private static readonly Dictionary<string, string?> On = new() { ["Agent:GenerateTitles"] = "true" };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_host_has_titles_made_by_its_model()
    {
        Reply reply = (messages, _) =>
            new AIContent[]
            {
                new TextContent(
                    messages[^1].Text.StartsWith("<message>", StringComparison.Ordinal)
                        ? "A short chat title"
                        : "Hello."
                ),
            }.ToAsyncEnumerable();
        var server = await SlipwayServer.StartAsync(new ScriptedChatClient(reply), On);
        await using var _ = server;
        await server.AskAsync("c", "Hello, who are you?");

        await server.Services.GetRequiredService<ConversationTitles>().Idle.WaitAsync(Token);

        var conversation = JsonElement.Parse(await server.Client.GetStringAsync("/api/conversations/c", Token));
        Assert.Equal("A short chat title", conversation.GetProperty("title").GetString());
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Without_a_model_or_when_it_is_turned_off_there_are_none(bool on, bool hasModel)
    {
        await using var server = await SlipwayServer.StartAsync(
            hasModel ? new ScriptedChatClient(Say("Hello.")) : null,
            on ? On : null
        );
        Assert.Null(server.Services.GetService<ConversationTitles>());
        await server.AskAsync("c", "Hello, who are you?");
        var conversation = JsonElement.Parse(await server.Client.GetStringAsync("/api/conversations/c", Token));
        Assert.Equal("Hello, who are you?", conversation.GetProperty("title").GetString());
    }
}
