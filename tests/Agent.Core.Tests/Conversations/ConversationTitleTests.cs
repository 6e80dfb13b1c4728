using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Conversations;

[Trait("Tier", "fast")]
[Trait("Parity", "S17")]
public sealed class ConversationTitleTests : IDisposable
{
    private const string Question = "Please tell me how often I have to descale the machine";

    private readonly AgentFixture _agent = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _agent.Dispose();

    [Fact]
    public async Task A_new_conversation_gets_its_title_from_the_model()
    {
        var model = new ScriptedChatClient(Say("\"Descaling ", "the espresso machine.\"\n"));
        await using var titles = Titles(model);

        await _agent.RunAsync(new ScriptedChatClient(Say("Monthly.")), Question);
        await titles.Idle.WaitAsync(Cancellation);

        Assert.Equal("Descaling the espresso machine", await TitleAsync());
        var asked = Assert.Single(model.Calls).Messages;
        Assert.Contains("4 to 6 words", asked[0].Text, StringComparison.Ordinal);
        Assert.Equal($"<message>\n{Question}\n</message>", asked[1].Text);
    }

    [Fact]
    public async Task Only_the_first_message_is_asked_about()
    {
        var model = new ScriptedChatClient(Say("One two three four"), Say("Five six seven eight"));
        await using var titles = Titles(model);
        await _agent.RunAsync(new ScriptedChatClient(Say("Monthly.")), Question);
        await titles.Idle.WaitAsync(Cancellation);

        await _agent.RunAsync(new ScriptedChatClient(Say("Yes.")), "Really?");
        await _agent.RunAsync(new ScriptedChatClient(Say("Stateless.")), Question, conversation: null);
        await titles.Idle.WaitAsync(Cancellation);

        Assert.Single(model.Calls);
        Assert.Equal("One two three four", await TitleAsync());
    }

    [Fact]
    [Trait("Parity", "S18")]
    public async Task A_title_that_fails_or_never_comes_delays_no_turn_and_leaves_the_first_words()
    {
        await using (Titles(new ScriptedChatClient(SayThenFail("", new InvalidOperationException("down")))))
        {
            Assert.Equal(
                TurnStatus.Completed,
                (await _agent.RunAsync(new ScriptedChatClient(Say("Monthly.")), Question)).End().Status
            );
        }

        Assert.Equal(Question, await TitleAsync());
        await using (Titles(new ScriptedChatClient(SayThenHang("Half of"))))
        {
            var events = await _agent.RunAsync(new ScriptedChatClient(Say("Monthly.")), "Another question", "c2");
            Assert.Equal(TurnStatus.Completed, events.End().Status);
        }

        Assert.Equal("Another question", await TitleAsync("c2")); // disposing ended what hung
    }

    [Fact]
    [Trait("Parity", "S18")]
    public async Task A_model_has_half_a_minute()
    {
        await using var titles = Titles(new ScriptedChatClient(SayThenHang("Half of")));
        await _agent.RunAsync(new ScriptedChatClient(Say("Monthly.")), Question);
        var waiting = titles.Idle;
        while (!waiting.IsCompleted)
        {
            // The time-out begins when the work does, which may be after this.
            _agent.Time.Advance(TimeSpan.FromSeconds(30));
            await Task.Yield();
        }

        await waiting;
        Assert.Equal(Question, await TitleAsync());
    }

    [Fact]
    public async Task Who_renamed_it_meanwhile_has_the_last_word()
    {
        var gate = new TaskCompletionSource();
        await using var titles = Titles(new ScriptedChatClient(SayThenWait("", gate.Task, "One two three four")));
        await _agent.RunAsync(new ScriptedChatClient(Say("Monthly.")), Question);
        await _agent.Conversations.RenameAsync(Slipway.Principal.Local, "c1", "Mine", Cancellation);
        gate.SetResult();
        await titles.Idle.WaitAsync(Cancellation);

        Assert.Equal("Mine", await TitleAsync());
    }

    [Theory]
    [InlineData("Descaling the machine", "Descaling the machine")]
    [InlineData("**\"Descaling the machine.\"**", "Descaling the machine")]
    [InlineData("# Title:\nOne two", "Title")]
    [InlineData("\n\n„Über Kaffee“\nI chose this because", "Über Kaffee")]
    [InlineData("one two three four five six seven eight", "one two three four five six")]
    [InlineData("  \n \"\" ", null)]
    public void What_models_put_around_a_title_is_taken_off(string answer, string? expected) =>
        Assert.Equal(expected, ConversationTitle.FromModel(answer));

    private ConversationTitles Titles(IChatClient model) =>
        _agent.Titles = new ConversationTitles(model, _agent.Conversations, _agent.Time);

    private async Task<string?> TitleAsync(string conversation = "c1") =>
        (await _agent.Conversations.FindAsync(Slipway.Principal.Local, conversation, Cancellation))?.Title;
}
