using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    /// <summary>Checks the request and stores the turn with the user's message, before anything else happens.</summary>
    private async Task<Turn> StartAsync(TurnRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.ConversationId is null)
        {
            if (request.Messages.Count == 0)
            {
                throw new SlipwayException(
                    ErrorClass.Permanent,
                    "The request has no message.",
                    "Send at least one message."
                );
            }

            Turn stateless = new(request, passages);
            stateless.Emit(new TurnStarted(stateless.Id, null, stateless.MessageId));
            return stateless;
        }

        ConversationId.ThrowIfInvalid(request.ConversationId);
        if (
            !request.Regenerate
            && (request.Messages.Count == 0 || request.Messages.Any(message => message.Role != ChatRole.User))
        )
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                "A turn of a conversation takes the user's new message and nothing else.",
                "Send one message with the role 'user'; the earlier messages are stored already."
            );
        }

        Turn turn = new(request, passages);
        await conversations
            .StartTurnAsync(
                new()
                {
                    TurnId = turn.Id,
                    Principal = request.Principal,
                    ConversationId = request.ConversationId,
                    Messages = request.Regenerate ? [] : [.. request.Messages.Select(WithId)],
                    Title = request.Regenerate ? null : ConversationTitle.From(request.Messages[0].Text),
                    Regenerate = request.Regenerate,
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        turn.Emit(new TurnStarted(turn.Id, request.ConversationId, turn.MessageId));
        return turn;
    }

    /// <summary>Answers and closes the turn. Never throws: whatever happens is how the turn ended.</summary>
    private async Task RunToEndAsync(Turn turn, CancellationToken cancellationToken)
    {
        TurnEnd end;
        try
        {
            end = await AnswerInScopeAsync(turn, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            end = new(TurnStatus.Cancelled, ChatFinishReason.Stop.Value, turn.Usage);
        }
        catch (Exception exception)
        {
            end = Failure(turn, exception);
        }

        try
        {
            Keep(turn);
            // The end is stored although the caller may be gone.
            await conversations.FinishTurnAsync(turn.TakeOutput(), end, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            end = Failure(turn, exception);
        }

        if (end.Status == TurnStatus.Failed)
        {
            turn.Emit(new TurnFailed(end.ErrorClass ?? ErrorClass.Permanent, end.Error!));
        }

        turn.Emit(new TurnFinished(end.Status, end.FinishReason, turn.Usage));
        turn.EndEvents();
    }

    private async Task<TurnEnd> AnswerInScopeAsync(Turn turn, CancellationToken cancellationToken)
    {
        if (scopes is null)
        {
            return await AnswerAsync(turn, cancellationToken).ConfigureAwait(false);
        }

        var scope = scopes.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            turn.Services = scope.ServiceProvider;
            return await AnswerAsync(turn, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What was said and not stored yet becomes the answer's message, however the turn ended.</summary>
    private static void Keep(Turn turn)
    {
        if (turn.Answer?.TakeContents() is { Count: > 0 } contents)
        {
            turn.Unstored.Add(new(ChatRole.Assistant, contents) { MessageId = turn.MessageId });
        }
    }

    private TurnEnd Failure(Turn turn, Exception exception)
    {
        LogTurnFailed(turn.Id, exception);
        return exception is SlipwayException known
            ? new(
                TurnStatus.Failed,
                "error",
                turn.Usage,
                known.Class,
                known.Fix is null ? known.Message : $"{known.Message} {known.Fix}"
            )
            : new(
                TurnStatus.Failed,
                "error",
                turn.Usage,
                ErrorClass.Permanent,
                $"The answer could not be finished because of an unexpected error. The log has it under turn {turn.Id}."
            );
    }

    // The stored message is a copy: the caller's own object stays as it was.
    private static ChatMessage WithId(ChatMessage message)
    {
        if (message.MessageId is not null)
        {
            ConversationId.ThrowIfInvalid(message.MessageId);
        }

        var copy = message.Clone();
        copy.MessageId ??= Guid.CreateVersion7().ToString("N");
        return copy;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Turn {TurnId} failed.")]
    private partial void LogTurnFailed(string turnId, Exception exception);
}
