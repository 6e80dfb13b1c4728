using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway.Agents;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Identity;

namespace Slipway.Hosting.Chat;

/// <summary>The chat of web front ends.</summary>
public static class ChatEndpoints
{
    /// <summary>
    /// Maps <c>POST /api/chat</c>, <c>GET /api/chat/{id}/stream</c> and <c>POST /api/chat/{id}/stop</c>: the AI SDK's UI message stream, which
    /// <c>useChat</c> speaks, and its resumption.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwayChat(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var chat = endpoints.MapGroup("/api/chat").WithTags("Chat").AllowKeys(ApiKeyScopes.Chat);
        chat.MapPost("", (HttpContext context, ITurnRunner turns) => ChatAsync(context, turns))
            .WithName("chat")
            .WithSummary("Asks the agent; answers as a UI message stream (server-sent events).")
            .WithDescription(
                "The answer goes on when the client goes away, and can be resumed. A header Idempotency-Key makes the request safe to repeat."
            )
            .Accepts<ChatRequest>("application/json")
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ForCallers(limits => limits.MaxChatBytes);
        chat.MapGet(
                "/{id}/stream",
                (HttpContext context, string id, ITurnRunner turns, IConversationStore conversations) =>
                    ResumeAsync(context, id, turns, conversations)
            )
            .WithName("resumeChat")
            .WithSummary("Resumes the answer that is being given.")
            .WithDescription(
                "From its start; with the header Last-Event-ID from behind that event, also when the answer has ended meanwhile."
            )
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream")
            .Produces(StatusCodes.Status204NoContent)
            .ForCallers(limits => limits.MaxRequestBytes);
        chat.MapPost("/{id}/stop", (HttpContext context, string id, ITurnRunner turns) => StopAsync(context, id, turns))
            .WithName("stopChat")
            .WithSummary("Stops the answer that is being given, on whichever instance. What was said is kept.")
            .Produces(StatusCodes.Status204NoContent)
            .ForCallers(limits => limits.MaxRequestBytes);
        return chat;
    }

    private static async Task ChatAsync(HttpContext context, ITurnRunner turns)
    {
        var limits = context.RequestServices.GetRequiredService<IOptions<LimitsOptions>>().Value;
        var request = await context.ReadBodyAsync(ChatJsonContext.Default.ChatRequest).ConfigureAwait(false);
        var attachments = new ChatAttachments(
            limits,
            context.RequestServices.GetService<IAttachmentStore>(),
            context.RequestServices.GetRequiredService<ILogger<ChatAttachments>>()
        );
        var turn = await request
            .ToTurnAsync(context.GetPrincipal(), limits, attachments, context.RequestAborted)
            .ConfigureAwait(false);
        turn = turn with { IdempotencyKey = context.Request.Headers["Idempotency-Key"] is [{ } key] ? key : null };
        // Up to here and in here it may still be refused, and then the status says so.
        var started = await turns.StartAsync(turn, context.RequestAborted).ConfigureAwait(false);
        try
        {
            await ChatStream.WriteAsync(context, turns, started.TurnId, after: null).ConfigureAwait(false);
        }
        finally
        {
            var agent = context.RequestServices.GetRequiredService<IOptions<AgentOptions>>().Value;
            if (context.RequestAborted.IsCancellationRequested && started.IsNew && !agent.ContinueWithoutClient)
            {
                await turns
                    .StopAsync(turn.Principal, turn.ConversationId!, CancellationToken.None)
                    .ConfigureAwait(false);
            }
        }
    }

    private static async Task ResumeAsync(
        HttpContext context,
        string id,
        ITurnRunner turns,
        IConversationStore conversations
    )
    {
        id = PathText.Decode(context, id);
        var principal = context.GetPrincipal();
        var after = ChatEventId.Read(context.Request.Headers["Last-Event-ID"]);
        var turn = after is { } seen
            ? await conversations.FindTurnAsync(principal, seen.TurnId, context.RequestAborted).ConfigureAwait(false)
            : await conversations.FindLastTurnAsync(principal, id, context.RequestAborted).ConfigureAwait(false);
        if (turn is null || turn.ConversationId != id || (after is null && turn.FinishedAt is not null))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await ChatStream.WriteAsync(context, turns, turn.Id, after).ConfigureAwait(false);
    }

    private static async Task StopAsync(HttpContext context, string id, ITurnRunner turns)
    {
        await turns
            .StopAsync(context.GetPrincipal(), PathText.Decode(context, id), context.RequestAborted)
            .ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
