using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway.Agents.Turns;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Hosting.Streaming;

namespace Slipway.Hosting.Chat;

/// <summary>The chat of web front ends.</summary>
public static partial class ChatEndpoints
{
    /// <summary>Maps <c>POST /api/chat</c>: the AI SDK's UI message stream, which <c>useChat</c> speaks.</summary>
    public static IEndpointConventionBuilder MapSlipwayChat(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints
            .MapPost("/api/chat", (HttpContext context, ITurnRunner turns) => ChatAsync(context, turns))
            .WithName("chat")
            .WithTags("Chat")
            .WithSummary("Asks the agent; answers as a UI message stream (server-sent events).")
            .Accepts<ChatRequest>("application/json")
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ForCallers(limits => limits.MaxRequestBytes);
    }

    private static async Task ChatAsync(HttpContext context, ITurnRunner turns)
    {
        var limits = context.RequestServices.GetRequiredService<IOptions<LimitsOptions>>().Value;
        var request = await context.ReadBodyAsync(ChatJsonContext.Default.ChatRequest).ConfigureAwait(false);
        var turn = request.ToTurn(context.GetPrincipal(), limits);

        var events = turns.RunAsync(turn, context.RequestAborted).GetAsyncEnumerator(context.RequestAborted);
        await using var _ = events.ConfigureAwait(false);
        // Until the first event the turn may still be refused, and then the status says so.
        if (!await events.MoveNextAsync().ConfigureAwait(false))
        {
            return;
        }

        var stream = new EventStream(context);
        context.Response.Headers["x-vercel-ai-ui-message-stream"] = "v1";
        await stream.StartAsync().ConfigureAwait(false);
        var projection = new UIMessageStream();
        try
        {
            await WriteAsync(events.Current).ConfigureAwait(false);
            var time = context.RequestServices.GetRequiredService<TimeProvider>();
            await foreach (
                var turnEvent in events.Remaining().WithHeartbeats(time, context.RequestAborted).ConfigureAwait(false)
            )
            {
                await (turnEvent is null ? stream.WriteHeartbeatAsync() : WriteAsync(turnEvent)).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            // A fault of the runner: it promises a last event, so the client gets one.
            LogBroken(context.RequestServices.GetRequiredService<ILogger<UIMessageStream>>(), exception);
            await WriteAsync(
                    new TurnFailed(ErrorClass.Permanent, "Something unexpected happened; the answer is incomplete.")
                )
                .ConfigureAwait(false);
            await WriteAsync(new TurnFinished(TurnStatus.Failed, "error", null)).ConfigureAwait(false);
        }

        await stream.WriteDoneAsync().ConfigureAwait(false);

        async Task WriteAsync(TurnEvent turnEvent)
        {
            foreach (var chunk in projection.Project(turnEvent))
            {
                await stream.WriteAsync(chunk, ChatJsonContext.Default.UIMessageChunk).ConfigureAwait(false);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A chat stream broke.")]
    private static partial void LogBroken(ILogger logger, Exception exception);
}
