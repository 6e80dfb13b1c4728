using System.Net;
using Microsoft.Extensions.AI;
using Slipway.Agents.Models;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedChatClient;

namespace Slipway.Agent.Core.Tests.Models;

/// <summary>With clients that are not ours; the wire is tested with the hosting package.</summary>
[Trait("Tier", "fast")]
public sealed class RetryingChatClientTests
{
    private readonly ImpatientTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, true)]
    [InlineData(HttpStatusCode.TooManyRequests, true)]
    [InlineData(HttpStatusCode.BadGateway, true)]
    [InlineData(HttpStatusCode.BadRequest, false)]
    [InlineData(HttpStatusCode.Unauthorized, false)]
    public async Task What_may_pass_is_tried_again(HttpStatusCode? status, bool again)
    {
        HttpRequestException failure = new("no", null, status);
        ScriptedChatClient inner = new(SayThenFail("", failure), Say("ok"));
        using RetryingChatClient model = new(inner, null, _time);

        var answer = model.GetResponseAsync("Hi", cancellationToken: Cancellation);

        if (again)
        {
            Assert.Equal("ok", (await answer).Text);
        }
        else
        {
            Assert.Same(failure, await Assert.ThrowsAsync<HttpRequestException>(() => answer));
        }

        Assert.Equal(again ? 2 : 1, inner.Calls.Count);
    }

    [Fact]
    public async Task What_else_may_pass_the_application_says()
    {
        ScriptedChatClient inner = new(SayThenFail("", new InvalidOperationException("busy")), Say("ok"));
        using RetryingChatClient model = new(
            inner,
            new() { ShouldRetry = failure => failure is InvalidOperationException },
            _time
        );

        Assert.Equal("ok", await StreamAsync(model));
    }

    [Fact]
    public async Task Waits_grow_are_random_and_have_an_end()
    {
        ScriptedChatClient inner = new(SayThenFail("", new IOException("cut")));
        using RetryingChatClient model = new(
            inner,
            new()
            {
                MaxRetries = 6,
                BaseDelay = TimeSpan.FromSeconds(1),
                MaxDelay = TimeSpan.FromSeconds(10),
            },
            _time
        );

        await Assert.ThrowsAsync<IOException>(() => StreamAsync(model));

        double[] longest = [1, 2, 4, 8, 10, 10];
        Assert.Equal(longest.Length, _time.Waits.Count);
        Assert.All(
            _time.Waits.Zip(longest),
            wait => Assert.InRange(wait.First.TotalSeconds, wait.Second / 2, wait.Second)
        );
        Assert.Equal(7, inner.Calls.Count);
    }

    [Fact]
    public async Task What_was_said_is_never_said_again()
    {
        ScriptedChatClient inner = new(SayThenFail("Half", new IOException("cut")), Say("Whole"));
        using RetryingChatClient model = new(inner, null, _time);
        List<string> said = [];

        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation))
            {
                said.Add(update.Text);
            }
        });

        Assert.Equal(["Half"], said);
        Assert.Single(inner.Calls);
    }

    [Fact]
    public async Task The_role_and_an_empty_text_are_no_token()
    {
        ScriptedChatClient inner = new(
            (_, _) => EmptyThenFail(),
            Say(new TextContent(""), new TextContent("ok"), new UsageContent(new() { OutputTokenCount = 1 }))
        );
        using RetryingChatClient model = new(inner, null, _time);

        var answer = await model
            .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
            .ToChatResponseAsync(Cancellation);

        Assert.Equal(("ok", 1L), (answer.Text, answer.Usage!.OutputTokenCount));

        static async IAsyncEnumerable<AIContent> EmptyThenFail()
        {
            await Task.Yield();
            yield return new TextContent("");
            throw new IOException("cut");
        }
    }

    [Fact]
    public async Task Whoever_stops_waits_for_no_retry()
    {
        using CancellationTokenSource stop = new();
        ScriptedChatClient inner = new(
            (_, _) =>
            {
                stop.Cancel();
                throw new IOException("cut");
            }
        );
        using RetryingChatClient model = new(inner, null, _time);

        await Assert.ThrowsAsync<IOException>(() => model.GetResponseAsync("Hi", cancellationToken: stop.Token));

        Assert.Single(inner.Calls);
    }

    private static async Task<string> StreamAsync(IChatClient model) =>
        (
            await model
                .GetStreamingResponseAsync("Hi", cancellationToken: Cancellation)
                .ToChatResponseAsync(Cancellation)
        ).Text;
}
