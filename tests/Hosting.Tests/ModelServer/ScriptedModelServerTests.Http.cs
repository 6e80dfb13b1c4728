using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Testing;
using static Slipway.Agents.Testing.ScriptedReply;

namespace Slipway.Hosting.Tests.ModelServer;

/// <summary>HTTP, the clock, and many at once.</summary>
public sealed partial class ScriptedModelServerTests
{
    [Fact]
    public async Task Remembers_requests_without_their_secrets()
    {
        await using var server = await ScriptedModelServer.StartAsync();
        using HttpClient client = new();
        using HttpRequestMessage message = new(HttpMethod.Post, server.Url + "/chat/completions?api-version=1")
        {
            Content = JsonContent.Create(new { model = "m", temperature = 0.5 }), // sent in chunks
        };
        message.Headers.Authorization = new("Bearer", Key);
        message.Headers.Add("api-key", Key);
        message.Headers.Add("X-Trace", "t1");
        using var response = await client.SendAsync(message, Token);

        var request = Assert.Single(server.Requests);
        Assert.Equal(("POST", "/v1/chat/completions", "m"), (request.Method, request.Path, request.Model));
        Assert.Equal(0.5, request.Body.GetProperty("temperature").GetDouble());
        Assert.Equal((Key, "t1"), (request.ApiKey, request.Headers["x-trace"]));
        Assert.Equal(("***", "***"), (request.Headers["Authorization"], request.Headers["Api-Key"]));
        Assert.DoesNotContain(Key, $"{request} {string.Join(' ', request.Headers)}", StringComparison.Ordinal);
        Assert.Equal(ScriptedOutcome.Completed, await request.Outcome.WaitAsync(Patience, Token));
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", HttpStatusCode.NotFound, "POST /v1/chat/completions")]
    [InlineData("POST", "/chat/completions", HttpStatusCode.NotFound, "POST /v1/chat/completions")]
    [InlineData("POST", "/v1/chat/completions", HttpStatusCode.BadRequest, "no JSON object")]
    [InlineData("HEAD", "/v1/models", HttpStatusCode.NotFound, "")]
    public async Task What_is_not_served_is_refused_with_words(
        string method,
        string path,
        HttpStatusCode expected,
        string words
    )
    {
        await using var server = await ScriptedModelServer.StartAsync();
        using HttpClient client = new();
        using HttpRequestMessage message = new(new(method), new Uri(server.BaseAddress, path));
        using var response = await client.SendAsync(message, Token);
        Assert.Equal(expected, response.StatusCode);
        Assert.Contains(words, await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_completion_is_no_answer_to_an_embeddings_request()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions
            {
                Embeddings = InOrder(Say("x"), Embed(_ => throw new TimeoutException("T"))),
            }
        );
        using HttpClient client = new();
        foreach (var words in new[] { "Embed, ListModels", "TimeoutException: T" })
        {
            using StringContent content = new("""{"input":"a"}""");
            using var response = await client.PostAsync(new Uri(server.Url + "/embeddings"), content, Token);
            Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
            Assert.Contains(words, await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GET /v1/models HTTP/1.0\r\n\r\n", "200", "\"scripted\"")]
    [InlineData(
        "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 15\r\n\r\n{\"stream\":true}",
        "200",
        "data: [DONE]\n\n"
    )]
    [InlineData(
        "GET /v1/models HTTP/1.1\r\n\r\nGET /v1/nothing HTTP/1.1\r\nConnection: close\r\n\r\n",
        "200",
        "HTTP/1.1 404"
    )]
    [InlineData(
        "POST /v1/embeddings HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + "5\r\n{\"inp\r\n8;x=y\r\nut\":\"a\"}\r\n0\r\nT: v\r\n\r\n",
        "200",
        "\"embedding\""
    )]
    [InlineData(
        "POST /v1/embeddings HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 13\r\n"
            + "Connection: close\r\n\r\n{\"input\":\"a\"}",
        "100",
        "\"embedding\""
    )]
    [InlineData("nonsense\r\n\r\n", "400", "request line")]
    [InlineData("GET / HTTP/1.1\r\nno header\r\n\r\n", "400", "header")]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400", "length")]
    public async Task Speaks_http_with_any_client(string sent, string status, string expected)
    {
        await using var server = await ScriptedModelServer.StartAsync();
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, server.BaseAddress.Port, Token);
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(sent), Token);
        using StreamReader reader = new(client.GetStream());
        var answer = await reader.ReadToEndAsync(Token);
        Assert.StartsWith("HTTP/1.1 " + status, answer, StringComparison.Ordinal);
        Assert.Contains(expected, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_are_due_by_the_clock()
    {
        FakeTimeProvider time = new();
        var reply = Say("a", "b", "c") with
        {
            FirstTokenDelay = TimeSpan.FromSeconds(5),
            TokenDelay = TimeSpan.FromSeconds(1),
        };
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions
            {
                Chat = InOrder(reply, reply with { FirstTokenDelay = default }),
                TimeProvider = time,
            }
        );
        using var model = Client(server);
        await using (
            var updates = model.GetStreamingResponseAsync("Hi", cancellationToken: Token).GetAsyncEnumerator(Token)
        )
        {
            var next = updates.MoveNextAsync().AsTask();
            await server.WaitForRequestAsync(cancellationToken: Token);
            time.Advance(TimeSpan.FromSeconds(4.9));
            Assert.False(next.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(0.1));
            Assert.True(await next);
            Assert.Equal("a", updates.Current.Text);
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(await updates.MoveNextAsync());
            Assert.Equal("b", updates.Current.Text);
        }

        // An advance of the whole time lets everything pass that is due by then.
        var whole = AskAsync(model, stream: false);
        await server.WaitForRequestAsync(1, Token);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("abc", (await whole)[0].Text);
    }

    [Fact]
    public async Task A_clock_that_moves_before_the_server_has_its_timer_is_not_missed()
    {
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions
            {
                Chat = InOrder(Say("a") with { FirstTokenDelay = TimeSpan.FromSeconds(5) }),
                TimeProvider = new HastyTime(TimeSpan.FromSeconds(5)),
            }
        );
        using var model = Client(server);
        Assert.Equal("a", (await AskAsync(model, stream: true)).ToChatResponse().Text);
    }

    [Fact]
    public async Task Headers_may_come_before_the_first_token()
    {
        await using var server = await ScriptedModelServer.StartAsync(Stall() with { SendsHeadersAtOnce = true });
        using HttpClient client = new();
        using HttpRequestMessage message = new(HttpMethod.Post, server.Url + "/chat/completions")
        {
            Content = JsonContent.Create(new { stream = true }),
        };
        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.False(server.Requests[0].Outcome.IsCompleted);
    }

    [Fact]
    public async Task Hundreds_of_streams_at_once_each_get_all_their_tokens()
    {
        const int Streams = 300;
        const int Tokens = 20;
        TaskCompletionSource gate = new();
        var reply = Stall(gate.Task).Then(Repeat("token ", Tokens, default));
        await using var server = await ScriptedModelServer.StartAsync(
            new ScriptedModelServerOptions { Chat = InOrder(reply), KeepsRequests = false }
        );
        using var model = Client(server);

        var answers = Enumerable.Range(0, Streams).Select(_ => AskAsync(model, stream: true)).ToList();
        await server.WaitForRequestAsync(Streams - 1, Token); // all of them are open at once
        gate.SetResult();

        Assert.All(
            await Task.WhenAll(answers),
            updates => Assert.Equal(Tokens, updates.Count(update => update.Text == "token "))
        );
        Assert.Equal(Streams, server.RequestCount);
        Assert.Empty(server.Requests);
        Assert.Throws<InvalidOperationException>(() =>
        {
            _ = server.WaitForRequestAsync(0, Token);
        });
    }

    /// <summary>A test that advances its clock in the least fitting moment.</summary>
    private sealed class HastyTime(TimeSpan advance) : FakeTimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Advance(advance);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
