using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents.Turns;

namespace Slipway.Hosting.AspNetCore.Tests;

/// <summary>A fault of the server: the client gets an end and nothing of its inside.</summary>
public sealed class FaultTests
{
    private const string Inside = "connection string: password";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Before_an_answer_it_is_a_500_that_tells_nothing()
    {
        await using var server = await StartAsync(new BrokenRunner());
        using var chat = await server.Client.PostStreamAsync("/api/chat", SlipwayServerExtensions.Ask("c", "Hello?"));
        var problem = await chat.ReadProblemAsync(HttpStatusCode.InternalServerError);
        Assert.DoesNotContain("password", problem.ToString(), StringComparison.Ordinal);
        using var completion = await server.Client.PostStreamAsync("/v1/chat/completions", Completion());
        Assert.Equal(HttpStatusCode.InternalServerError, completion.StatusCode);
        Assert.DoesNotContain("password", await completion.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_mid_stream_a_chat_ends_with_error_and_finish()
    {
        await using var server = await StartAsync(
            new BrokenRunner(new TurnStarted("t", "c", "m"), new TextDelta("b", "Well"))
        );
        var events = await server.AskAsync("c", "Hello?");
        Assert.Equal(
            "start text-start text-delta text-end error finish",
            string.Join(' ', events.Select(item => item.Type()))
        );
        Assert.DoesNotContain("password", events[^2].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_mid_stream_a_completion_ends_with_an_error()
    {
        await using var server = await StartAsync(
            new BrokenRunner(new TurnStarted("t", null, "m"), new TextDelta("b", "Well"))
        );
        using var response = await server.Client.PostStreamAsync("/v1/chat/completions", Completion());
        var events = await response.ReadEventsAsync();
        Assert.Equal("server_error", events[^1].GetProperty("error").GetProperty("type").GetString());
        Assert.DoesNotContain("password", events[^1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_applications_own_endpoints_answer_as_they_like()
    {
        await using var server = await SlipwayServer.StartAsync(map: app =>
            app.MapGet(
                "/own",
                (HttpContext context, CancellationToken _) => Results.StatusCode(StatusCodes.Status418ImATeapot)
            )
        );
        using var response = await server.Client.GetAsync("/own", Token);
        Assert.Equal(418, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsStringAsync(Token));
    }

    [Theory]
    [InlineData("PATCH", "/api/documents", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/api/chat", HttpStatusCode.UnsupportedMediaType)]
    public async Task What_routing_refuses_has_a_body(string method, string path, HttpStatusCode expected)
    {
        await using var server = await SlipwayServer.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await server.Client.SendAsync(request, Token);
        await response.ReadProblemAsync(expected);
    }

    private static Task<SlipwayServer> StartAsync(ITurnRunner runner) =>
        SlipwayServer.StartAsync(configure: builder => builder.Services.AddSingleton(runner));

    private static object Completion() =>
        new
        {
            model = "agent",
            stream = true,
            messages = new[] { new { role = "user", content = "x" } },
        };

    /// <summary>Breaks its promise to end with an event. The real one keeps it, so it takes another to see what happens.</summary>
    private sealed class BrokenRunner(params TurnEvent[] events) : ITurnRunner
    {
        public IAsyncEnumerable<TurnEvent> RunAsync(
            TurnRequest request,
            CancellationToken cancellationToken = default
        ) => FollowAsync(request.Principal, "", 0, cancellationToken).Select(logged => logged.Event!);

        public ValueTask<StartedTurn> StartAsync(TurnRequest request, CancellationToken cancellationToken = default) =>
            events.Length == 0 ? throw new InvalidOperationException(Inside) : new(new StartedTurn("t", IsNew: true));

        public async IAsyncEnumerable<LoggedTurnEvent> FollowAsync(
            Principal principal,
            string turnId,
            long after = 0,
            [EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            await Task.Yield();
            for (var i = 0; i < events.Length; i++)
            {
                yield return new(i + 1, events[i]);
            }

            throw new InvalidOperationException(Inside);
        }

        public ValueTask<bool> StopAsync(
            Principal principal,
            string conversationId,
            CancellationToken cancellationToken = default
        ) => new(false);
    }
}
