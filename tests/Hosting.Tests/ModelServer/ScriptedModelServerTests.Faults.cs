using System.ClientModel;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedReply;

namespace Slipway.Hosting.Tests.ModelServer;

/// <summary>What goes wrong by the script, and what the server says of it.</summary>
public sealed partial class ScriptedModelServerTests
{
    public static TheoryData<ScriptedReply> NoCompletions => [Html, NotJson, BrokenEvents];

    [Theory]
    [InlineData(401, true), InlineData(401, false)]
    [InlineData(429, true), InlineData(429, false)]
    [InlineData(500, true), InlineData(500, false)]
    [InlineData(503, true), InlineData(503, false)]
    public async Task Refuses_with_an_error_that_the_library_understands(int status, bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(Refuse(status, "Not now.", "some_code"));
        using var model = Client(server);

        var error = await Assert.ThrowsAsync<ClientResultException>(() => AskAsync(model, stream));

        Assert.Equal(status, error.Status);
        Assert.Contains("Not now.", error.Message, StringComparison.Ordinal);
        Assert.Contains("some_code", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asks_to_wait_some_time_or_until_a_date()
    {
        DateTimeOffset date = new(2030, 1, 2, 3, 4, 5, TimeSpan.FromHours(1));
        await using var server = await ScriptedModelServer.StartAsync(
            Refuse(429, retryAfter: TimeSpan.FromSeconds(7)),
            Refuse(503, retryAt: date),
            Refuse(429)
        );
        using var model = Client(server);

        Assert.Equal("7", await RetryAfterAsync());
        Assert.Equal("Wed, 02 Jan 2030 02:04:05 GMT", await RetryAfterAsync());
        Assert.Null(await RetryAfterAsync());
        Assert.Throws<ArgumentException>(() => Refuse(429, retryAfter: TimeSpan.Zero, retryAt: date));

        async Task<string?> RetryAfterAsync()
        {
            var error = await Assert.ThrowsAsync<ClientResultException>(() => AskAsync(model, stream: true));
            return error.GetRawResponse()!.Headers.TryGetValue("Retry-After", out var value) ? value : null;
        }
    }

    [Theory]
    [MemberData(nameof(NoCompletions))]
    public async Task Answers_what_is_no_completion(ScriptedReply reply)
    {
        await using var server = await ScriptedModelServer.StartAsync(reply);
        using var model = Client(server);

        await Assert.ThrowsAnyAsync<JsonException>(() => AskAsync(model, stream: false));
        if (reply == BrokenEvents)
        {
            await Assert.ThrowsAnyAsync<JsonException>(() => AskAsync(model, stream: true));
        }
        else
        {
            Assert.Empty(await AskAsync(model, stream: true)); // without events, the library sees an empty stream
        }

        foreach (var request in server.Requests)
        {
            Assert.Equal(ScriptedOutcome.Completed, await request.Outcome.WaitAsync(Patience, Token));
        }
    }

    [Fact]
    public async Task Streams_nothing_or_less_than_a_whole_answer()
    {
        await using var server = await ScriptedModelServer.StartAsync(EmptyStream, Say("Half").Then(BreakOff()));
        using var model = Client(server);

        Assert.Empty(await AskAsync(model, stream: true));
        var update = Assert.Single(await AskAsync(model, stream: true));
        Assert.Equal(("Half", null), (update.Text, update.FinishReason));
    }

    [Fact]
    public async Task Breaks_the_events_in_mid_stream()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Say("Half").Then(Verbatim(": a comment\n\n"), Say(" an"), Verbatim("data: {\"choices\": [\n\n"))
        );
        using var model = Client(server);
        var said = "";

        await Assert.ThrowsAnyAsync<JsonException>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync("Hi", cancellationToken: Token))
            {
                said += update.Text;
            }
        });

        Assert.Equal("Half an", said);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sends_an_error_object_with_status_200(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(
            Say("Half").Then(Fail("Overloaded.", "overloaded_error", "o1"))
        );
        using HttpClient client = new();
        using StringContent content = new(stream ? """{"stream":true}""" : "{}");
        using var response = await client.PostAsync(new Uri(server.Url + "/chat/completions"), content, Token);
        var body = await response.Content.ReadAsStringAsync(Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(stream, body.Contains("Half", StringComparison.Ordinal));
        var last = body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^1];
        var error = JsonElement.Parse(stream ? last["data: ".Length..] : last).GetProperty("error");
        Assert.Equal(
            ("Overloaded.", "overloaded_error", "o1"),
            (
                error.GetProperty("message").GetString(),
                error.GetProperty("type").GetString(),
                error.GetProperty("code").GetString()
            )
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cuts_the_connection_in_mid_stream(bool withReset)
    {
        TaskCompletionSource read = new();
        await using var server = await ScriptedModelServer.StartAsync(
            Say("Half").Then(Stall(read.Task), Cut(withReset)),
            Say("whole")
        );
        using var model = Client(server);
        var said = "";

        var error = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync("Hi", cancellationToken: Token))
            {
                said += update.Text;
                read.TrySetResult();
            }
        });

        Assert.Equal("Half", said);
        Assert.Equal(
            withReset,
            Causes(error).OfType<SocketException>().Any(cause => cause.SocketErrorCode == SocketError.ConnectionReset)
        );
        Assert.Contains(Causes(error), cause => cause is IOException);
        Assert.Equal(ScriptedOutcome.Cut, await server.Requests[0].Outcome.WaitAsync(Patience, Token));
        Assert.Equal(
            "whole",
            (await AskAsync(model, stream: true)).Aggregate("", (text, update) => text + update.Text)
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cuts_the_connection_before_it_answers(bool stream)
    {
        await using var server = await ScriptedModelServer.StartAsync(Cut());
        using var model = Client(server);

        var error = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(model, stream));
        Assert.Contains(Causes(error), cause => cause is IOException);
    }

    [Fact]
    public async Task Stalls_until_the_test_lets_it_go_on()
    {
        TaskCompletionSource first = new();
        TaskCompletionSource second = new();
        await using var server = await ScriptedModelServer.StartAsync(
            Stall(first.Task).Then(Say("One"), Stall(second.Task), Say(" two"))
        );
        using var model = Client(server);
        await using var updates = model
            .GetStreamingResponseAsync("Hi", cancellationToken: Token)
            .GetAsyncEnumerator(Token);

        var next = updates.MoveNextAsync().AsTask();
        var request = await server.WaitForRequestAsync(cancellationToken: Token);
        await request.Stalled.WaitAsync(Patience, Token);
        Assert.False(next.IsCompleted);
        first.SetResult();
        Assert.True(await next);
        Assert.Equal("One", updates.Current.Text);
        next = updates.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        second.SetCanceled(Token); // however it ends, the gate is open
        Assert.True(await next);
        Assert.Equal(" two", updates.Current.Text);
    }

    [Fact]
    public async Task A_stall_may_stand_before_a_refusal_and_before_vectors()
    {
        TaskCompletionSource gate = new();
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions
            {
                Chat = InOrder(Stall(gate.Task).Then(Refuse(503))),
                Embeddings = InOrder(Stall(gate.Task).Then(Embed(2))),
            }
        );
        using var model = Client(server);
        var refused = Assert.ThrowsAsync<ClientResultException>(() => AskAsync(model, stream: true));
        var embedded = OpenAI(server).GetEmbeddingClient("e").GenerateEmbeddingAsync("x", null, Token);
        await server.WaitForRequestAsync(1, Token);
        Assert.False(refused.IsCompleted || embedded.IsCompleted);

        gate.SetResult();

        Assert.Equal(503, (await refused).Status);
        Assert.Equal(2, (await embedded).Value.ToFloats().Length);
    }

    [Fact]
    public void What_has_begun_cannot_become_another_answer()
    {
        Assert.Throws<ArgumentException>(() => Say("Half").Then(Refuse(500)));
        Assert.Throws<ArgumentException>(() => Html.Then(Say("more")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tells_that_the_client_has_left(bool stream)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var server = await ScriptedModelServer.StartAsync(Say("Half").Then(Stall()));
        using var model = Client(server);

        Task asking = AskAsync(model, stream, cancellationToken: stop.Token);
        var request = await server.WaitForRequestAsync(cancellationToken: Token);
        await request.Stalled.WaitAsync(Patience, Token);
        Assert.False(request.Outcome.IsCompleted);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        Assert.Equal(ScriptedOutcome.ClientLeft, await request.Outcome.WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task Tells_that_the_client_has_left_between_two_tokens()
    {
        FakeTimeProvider time = new();
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions
            {
                Chat = InOrder(Repeat("x", 1000, TimeSpan.FromMinutes(1))),
                TimeProvider = time,
            }
        );
        using var model = Client(server);
        // Cancelled, not only left: a client that leaves tries for two seconds to read the rest.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync("Hi", cancellationToken: stop.Token))
            {
                await stop.CancelAsync();
            }
        });

        Assert.Equal(ScriptedOutcome.ClientLeft, await server.Requests[0].Outcome.WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task Disposing_ends_every_stall()
    {
        var server = await ScriptedModelServer.StartAsync(Stall());
        using var model = Client(server);
        var asking = Assert.ThrowsAnyAsync<Exception>(() => AskAsync(model, stream: true));
        var request = await server.WaitForRequestAsync(cancellationToken: Token);
        await request.Stalled.WaitAsync(Patience, Token);

        await server.DisposeAsync();

        Assert.Equal(ScriptedOutcome.ServerStopped, await request.Outcome);
        Assert.Contains(Causes(await asking), cause => cause is IOException);
        await server.DisposeAsync();
    }

    private static IEnumerable<Exception> Causes(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            yield return error;
        }
    }
}
