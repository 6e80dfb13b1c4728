using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Slipway.Agents.Turns;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Streaming;

namespace Slipway.Hosting.Chat;

/// <summary>A turn's log as the answer of a request.</summary>
internal static partial class ChatStream
{
    /// <summary>Follows a turn to its end, or until the client goes away.</summary>
    /// <param name="context">The request.</param>
    /// <param name="turns">Has the log.</param>
    /// <param name="turnId">The turn, the caller's own.</param>
    /// <param name="after">The last event that the client has seen; null for none.</param>
    public static async Task WriteAsync(HttpContext context, ITurnRunner turns, string turnId, ChatEventId? after)
    {
        var aborted = context.RequestAborted;
        var events = turns
            .FollowAsync(context.GetPrincipal(), turnId, 0, aborted)
            .WithHeartbeats(context.RequestServices.GetRequiredService<TimeProvider>(), aborted);
        var stream = new EventStream(context);
        context.Response.Headers["x-vercel-ai-ui-message-stream"] = "v1";
        var projection = new UIMessageStream();
        var hasEnded = false;
        try
        {
            await stream.StartAsync().ConfigureAwait(false);
            await foreach (var logged in events.ConfigureAwait(false))
            {
                if (logged is null)
                {
                    await stream.WriteHeartbeatAsync().ConfigureAwait(false);
                }
                else if (logged.Event is { } happened)
                {
                    hasEnded = happened is TurnFinished;
                    await TellAsync(logged.Sequence, happened).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (!aborted.IsCancellationRequested)
        {
            // The log broke off, and the client gets an end all the same.
            LogBroken(context.RequestServices.GetRequiredService<ILogger<UIMessageStream>>(), exception);
            var failure =
                exception as SlipwayException
                ?? new(ErrorClass.Permanent, "Something unexpected happened; the answer is incomplete.");
            hasEnded = true;
            await TellAsync(
                    long.MaxValue - 1,
                    new TurnFailed(
                        failure.Class,
                        failure.Fix is null ? failure.Message : $"{failure.Message} {failure.Fix}"
                    )
                )
                .ConfigureAwait(false);
            await TellAsync(long.MaxValue, new TurnFinished(TurnStatus.Failed, "error", null)).ConfigureAwait(false);
        }

        if (!hasEnded)
        {
            context.Abort(); // another instance goes on; a clean end would look like the answer's
            return;
        }

        await stream.WriteDoneAsync().ConfigureAwait(false);

        async Task TellAsync(long sequence, TurnEvent happened)
        {
            // What the client has seen is projected as well: the projection knows which block is open.
            var chunks = projection.Project(happened);
            for (var i = 0; i < chunks.Count; i++)
            {
                if (after?.IsBefore(sequence, i) != false)
                {
                    await stream
                        .WriteAsync(
                            chunks[i],
                            ChatJsonContext.Default.UIMessageChunk,
                            new ChatEventId(turnId, sequence, i).ToString()
                        )
                        .ConfigureAwait(false);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A chat stream broke.")]
    private static partial void LogBroken(ILogger logger, Exception exception);
}
