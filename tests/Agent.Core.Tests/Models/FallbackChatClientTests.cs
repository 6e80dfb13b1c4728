using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Models;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Models;

[Trait("Tier", "fast")]
public sealed class FallbackChatClientTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_model_that_failed_is_asked_last_until_it_has_rested()
    {
        ScriptedChatClient first = new(SayThenFail("", new IOException("cut")), Say("first again"));
        ScriptedChatClient second = new(Say("second"));
        using FallbackChatClient models = new([first, second], TimeSpan.FromSeconds(10), _time);

        Assert.Equal("second", await AskAsync(models));
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal("second", await AskAsync(models));
        Assert.Single(first.Calls);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("first again", await AskAsync(models));
    }

    [Fact]
    public async Task It_rests_as_long_as_it_asked_for()
    {
        SlipwayException busy = new(ErrorClass.Transient, "Busy.") { RetryAfter = TimeSpan.FromMinutes(5) };
        ScriptedChatClient first = new(SayThenFail("", busy), Say("first again"));
        ScriptedChatClient second = new(Say("second"));
        using FallbackChatClient models = new([first, second], null, _time);

        Assert.Equal("second", await AskAsync(models));
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal("second", await AskAsync(models));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("first again", await AskAsync(models));
    }

    [Fact]
    public async Task When_all_rest_all_are_asked()
    {
        ScriptedChatClient first = new(SayThenFail("", new IOException("cut")), Say("first again"));
        ScriptedChatClient second = new(SayThenFail("", new InvalidOperationException("secret")));
        using FallbackChatClient models = new([first, second], null, _time);

        var error = await Assert.ThrowsAsync<SlipwayException>(() => AskAsync(models));
        Assert.Contains("None of 2 models", error.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(InvalidOperationException), error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorClass.Transient, error.Class);

        Assert.Equal("first again", await AskAsync(models));
    }

    [Fact]
    public async Task The_only_models_error_is_its_own()
    {
        IOException failure = new("cut");
        using FallbackChatClient models = new([new ScriptedChatClient(SayThenFail("", failure))], null, _time);

        Assert.Same(failure, await Assert.ThrowsAsync<IOException>(() => AskAsync(models)));
    }

    [Fact]
    public async Task Stopping_asks_nobody_else()
    {
        using CancellationTokenSource stop = new();
        ScriptedChatClient second = new(Say("second"));
        using FallbackChatClient models = new([new ScriptedChatClient(SayThenHang("")), second], null, _time);

        var answer = models.GetResponseAsync("Hi", cancellationToken: stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        Assert.Empty(second.Calls);
    }

    private static async Task<string> AskAsync(IChatClient model) =>
        (
            await model
                .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
                .ToChatResponseAsync(Cancellation)
        ).Text;
}
