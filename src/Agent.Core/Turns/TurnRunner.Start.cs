using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    /// <summary>Checks the request, stores the turn with the user's message, and lets it run.</summary>
    /// <returns>The turn; without what runs it when it is an earlier one of the same key.</returns>
    private async Task<(string Id, Turn? Turn)> BeginAsync(TurnRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        Check(request);
        Turn turn = new(request, turns, passages, _time);
        var (events, step) = turn.Begin();
        await ReserveAsync(turn, cancellationToken).ConfigureAwait(false);
        if (request.ConversationId is { } conversationId)
        {
            var admission = default(TurnAdmission);
            try
            {
                // Who may not ask stores nothing.
                var stored = await _attachments.StoreAsync(request, cancellationToken).ConfigureAwait(false);
                admission = await AdmitAsync(
                        new()
                        {
                            TurnId = turn.Id,
                            Principal = request.Principal,
                            ConversationId = conversationId,
                            Messages = request.Regenerate ? [] : [.. stored.Messages.Select(WithId)],
                            Title = request.Regenerate ? null : ConversationTitle.From(request.Messages[0].Text),
                            Regenerate = request.Regenerate,
                            LeaseDuration = options.TurnLease,
                            IdempotencyKey = request.IdempotencyKey,
                            RequestHash = request.IdempotencyKey is null ? null : Hash(stored),
                            Request = StoredTurnRequest.Write(request),
                            Events = events,
                            Step = step,
                        },
                        cancellationToken
                    )
                    .ConfigureAwait(false);
            }
            finally
            {
                if (admission?.Lease is null)
                {
                    await SettleAsync(turn).ConfigureAwait(false); // it has not begun, and counts as a request all the same
                }
            }

            if (admission.Lease is null)
            {
                return (admission.TurnId, null);
            }
        }

        turn.Log.Begin(events);
        Launch(turn);
        titles?.Begin(request);
        return (turn.Id, turn);
    }

    /// <summary>Stores the turn. One at a time: it waits for another of the conversation as long as the setting says.</summary>
    private async Task<TurnAdmission> AdmitAsync(TurnStart start, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        while (true)
        {
            try
            {
                return await turns.StartTurnAsync(start, cancellationToken).ConfigureAwait(false);
            }
            catch (ConversationBusyException busy) when (busy.IsAbandoned)
            {
                // The user has gone on: what the lost turn produced is kept, and it ends here.
                await TakeOverAsync(busy.TurnId, TurnStatus.Interrupted, cancellationToken).ConfigureAwait(false);
            }
            catch (ConversationBusyException busy) when (_time.GetElapsedTime(began) < options.WaitForTurn)
            {
                await WaitForEndAsync(
                        start.Principal,
                        busy.TurnId,
                        options.WaitForTurn - _time.GetElapsedTime(began),
                        cancellationToken
                    )
                    .ConfigureAwait(false);
            }
        }
    }

    private async Task WaitForEndAsync(
        Principal principal,
        string turnId,
        TimeSpan atMost,
        CancellationToken cancellationToken
    )
    {
        using var limit = new CancellationTokenSource(atMost, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await foreach (var _ in FollowAsync(principal, turnId, 0, either.Token).ConfigureAwait(false))
            {
                // Only its end counts.
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is up; the next attempt is refused.
        }
    }

    private static void Check(TurnRequest request)
    {
        if (request.IdempotencyKey is { } key && !ConversationId.IsValid(key))
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                "The idempotency key cannot be used.",
                $"Send 1 to {ConversationId.MaxLength} characters without control characters, such as a UUID."
            );
        }

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

            return;
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
    }

    private static string Hash(TurnRequest request) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    string.Join(
                        '\n',
                        [
                            request.ConversationId,
                            request.Regenerate ? "again" : "new",
                            .. request.Messages.Select(AgentJson.Write),
                        ]
                    )
                )
            )
        );

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
}
