using System.Text.Json;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Slipway.Agents;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests;

/// <summary>Through the public API of the agent framework only.</summary>
public sealed class SlipwayAgentTests : IDisposable
{
    private readonly AgentFixture _agent = new();

    private static CancellationToken Cancellation => AgentFixture.Cancellation;

    public SlipwayAgentTests()
    {
        _agent.Documents["manual"] = (1, "The boiler holds 1.8 litres.");
        _agent.AddSearch(("manual", "The boiler holds 1.8 litres."));
    }

    public void Dispose() => _agent.Dispose();

    [Fact]
    public async Task A_session_remembers()
    {
        ScriptedChatClient model = new(Say("Hello Ada."), Say("Ada."));
        AIAgent agent = Create(model);
        var session = await agent.CreateSessionAsync(Cancellation);

        await agent.RunAsync("I am Ada.", session, cancellationToken: Cancellation);
        var response = await agent.RunAsync("Who am I?", session, cancellationToken: Cancellation);

        Assert.Equal("Ada.", response.Text);
        Assert.Equal(
            ["Be brief.", "I am Ada.", "Hello Ada.", "Who am I?"],
            model.Calls[1].Messages.Select(message => message.Text.Split('\n')[0])
        );
    }

    [Fact, Trait("Parity", "S38")]
    public async Task Instructions_are_sent_on_every_turn()
    {
        ScriptedChatClient model = new(Say("ok"));
        AIAgent agent = Create(model);
        var session = await agent.CreateSessionAsync(Cancellation);

        for (var i = 0; i < 3; i++)
        {
            await agent.RunAsync("hi", session, cancellationToken: Cancellation);
        }

        Assert.All(
            model.Calls,
            call =>
            {
                var system = Assert.Single(call.Messages, message => message.Role == ChatRole.System);
                Assert.StartsWith("Be brief.", system.Text, StringComparison.Ordinal);
                Assert.EndsWith("Today is Sunday, 1 March 2026 (UTC).", system.Text, StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public async Task A_run_without_session_stores_no_conversation()
    {
        await Create(new(Say("ok"))).RunAsync("hi", cancellationToken: Cancellation);

        Assert.Empty(
            (await _agent.Conversations.ListAsync(Principal.Local, cancellationToken: Cancellation)).Conversations
        );
        Assert.Equal([0L], _agent.Query("select count(*) from turns"));
    }

    [Fact]
    public async Task Answers_carry_their_citations_as_annotations()
    {
        AIAgent agent = Create(
            new(Call("search_knowledge", new { query = "q" }), Say("It holds 1.8 l [[p1: \"holds 1.8 litres\"]]."))
        );

        var response = await agent.RunAsync("How much?", cancellationToken: Cancellation);

        Assert.Equal("It holds 1.8 l [1].", response.Text);
        var text = response.Messages.SelectMany(message => message.Contents).OfType<TextContent>().Last();
        var citation = Assert.IsType<CitationAnnotation>(Assert.Single(text.Annotations!));
        Assert.Equal(
            ("manual title", "manual", "holds 1.8 litres"),
            (citation.Title, citation.FileId, citation.Snippet)
        );
        Assert.Equal("https://example.com/manual", citation.Url!.ToString());
        var region = Assert.IsType<TextSpanAnnotatedRegion>(Assert.Single(citation.AnnotatedRegions!));
        Assert.Equal("[1]", text.Text[region.StartIndex!.Value..region.EndIndex!.Value]);
        Assert.Equal(
            (11, 27, true),
            (
                citation.AdditionalProperties!["start"],
                citation.AdditionalProperties["end"],
                citation.AdditionalProperties["verified"]
            )
        );
        Assert.Equal(["assistant", "tool", "assistant"], response.Messages.Select(message => message.Role.Value));
    }

    [Fact]
    public async Task A_stream_gives_the_same_as_the_whole_response()
    {
        ScriptedChatClient.Reply[] script =
        [
            Call("search_knowledge", new { query = "q" }),
            Say(
                new TextReasoningContent("hm"),
                new TextContent("It holds "),
                new TextContent("1.8 l [[p1]]."),
                new UsageContent(new() { InputTokenCount = 4, OutputTokenCount = 2 })
            ),
        ];

        var whole = await Create(new(script)).RunAsync("q", cancellationToken: Cancellation);
        var updates = await Create(new(script))
            .RunStreamingAsync("q", cancellationToken: Cancellation)
            .ToListAsync(Cancellation);
        var streamed = updates.ToAgentResponse();

        Assert.Equal("It holds 1.8 l [1].", whole.Text);
        Assert.Equal(whole.Text, streamed.Text);
        Assert.Equal((6, 6), (whole.Usage!.TotalTokenCount, streamed.Usage!.TotalTokenCount));
        Assert.Equal("stop", streamed.FinishReason?.Value);
        Assert.Single(
            updates
                .SelectMany(update => update.Contents)
                .OfType<TextContent>()
                .SelectMany(text => text.Annotations ?? [])
        );
        Assert.Equal(
            "hm",
            Assert.Single(updates.SelectMany(update => update.Contents).OfType<TextReasoningContent>()).Text
        );
    }

    [Fact]
    public async Task A_failed_turn_throws_after_what_was_said()
    {
        AIAgent agent = Create(
            new(SayThenFail("Half", new SlipwayException(ErrorClass.Transient, "Gone.", "Try again.")))
        );
        List<string> said = [];

        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
        {
            await foreach (var update in agent.RunStreamingAsync("q", cancellationToken: Cancellation))
            {
                said.Add(update.Text);
            }
        });

        Assert.Equal(
            ("Half", ErrorClass.Transient, "Gone. Try again."),
            (string.Concat(said), error.Class, error.Message)
        );
    }

    [Fact]
    public async Task A_session_survives_serialization_and_carries_no_rights()
    {
        Principal ada = new(Principal.DefaultTenant, "ada");
        var agent = new SlipwayAgent(_agent.Runner(new ScriptedChatClient(Say("ok"))), _agent.Options, ada);
        var session = await agent.CreateSessionAsync(Cancellation);
        await agent.RunAsync("hi", session, cancellationToken: Cancellation);

        var json = await agent.SerializeSessionAsync(session, cancellationToken: Cancellation);
        var restored = await agent.DeserializeSessionAsync(json, cancellationToken: Cancellation);
        await agent.RunAsync("again", restored, cancellationToken: Cancellation);

        Assert.Equal(JsonValueKind.String, json.ValueKind);
        Assert.Equal(4, (await _agent.StoredAsync(json.GetString()!, ada)).Count);
        await Assert.ThrowsAnyAsync<SlipwayException>(async () =>
            await agent.DeserializeSessionAsync(JsonDocument.Parse("{}").RootElement, cancellationToken: Cancellation)
        );
    }

    [Fact]
    public async Task Sessions_of_others_are_refused()
    {
        var agent = Create(new(Say("ok")));
        var mine = SlipwayAgent.CreateSession(Principal.Local, "shared-id");
        await agent.RunAsync("hi", mine, cancellationToken: Cancellation);

        var theirs = SlipwayAgent.CreateSession(new(Principal.DefaultTenant, "eve"), "shared-id");

        await Assert.ThrowsAnyAsync<SlipwayException>(() =>
            agent.RunAsync("hi", theirs, cancellationToken: Cancellation)
        );
        await Assert.ThrowsAnyAsync<SlipwayException>(() =>
            agent.RunAsync("hi", new OtherSession(), cancellationToken: Cancellation)
        );
    }

    [Fact, Trait("Tier", "fast")]
    public void It_says_who_it_is()
    {
        _agent.Options.Description = "Knows espresso machines.";
        var agent = Create(new(Say("ok")));

        Assert.Equal(("agent", "agent", "Knows espresso machines."), (agent.Id, agent.Name, agent.Description));
    }

    private SlipwayAgent Create(ScriptedChatClient model) => new(_agent.Runner(model), _agent.Options);

    private sealed class OtherSession : AgentSession;
}
