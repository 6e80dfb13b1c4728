using System.Runtime.CompilerServices;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agents.Turns;

public sealed partial class TurnRunner
{
    private const int PageSize = 256;

    /// <summary>How often it is asked whether a silent turn of another process still runs.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(2);

    // Where nobody signals changes.
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc/>
    public IAsyncEnumerable<LoggedTurnEvent> FollowAsync(
        Principal principal,
        string turnId,
        long after = 0,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(principal);
        var turn =
            _running.TryGetValue(turnId, out var running)
            && (running.Request.Principal.Tenant, running.Request.Principal.Id) == (principal.Tenant, principal.Id)
                ? running
                : null;
        return FollowAsync(principal, turnId, turn, after, cancellationToken);
    }

    private async IAsyncEnumerable<LoggedTurnEvent> FollowAsync(
        Principal principal,
        string turnId,
        Turn? turn,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var position = after;
        while (turn is not null)
        {
            var view = turn.Log.Look(position);
            var events =
                view.Events?.Select(happened => new LoggedTurnEvent(++position, happened)).ToList()
                ?? await ReadAsync(principal, turnId, position, cancellationToken).ConfigureAwait(false);
            foreach (var logged in events)
            {
                position = logged.Sequence;
                yield return logged;
                if (logged.Event is TurnFinished)
                {
                    yield break;
                }
            }

            if (events.Count > 0)
            {
                continue;
            }

            if (view.Failure is { } failure)
            {
                throw new SlipwayException(
                    ErrorClass.Transient,
                    "The rest of the answer could not be stored.",
                    "It goes on when the database is back; open the conversation again then.",
                    failure
                );
            }

            if (view.IsClosed && (turn.Leave == TurnLeave.HandedOver || turn.Request.ConversationId is null))
            {
                yield break;
            }

            if (view.IsClosed)
            {
                break; // it is another owner's
            }

            await view.Changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        await foreach (
            var logged in FollowStoredAsync(principal, turnId, position, cancellationToken).ConfigureAwait(false)
        )
        {
            yield return logged;
        }
    }

    /// <summary>Follows a turn of another process, or one that has ended.</summary>
    private async IAsyncEnumerable<LoggedTurnEvent> FollowStoredAsync(
        Principal principal,
        string turnId,
        long position,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var subscription = changes is null
            ? null
            : await changes.SubscribeAsync(ChangeTopic.Turn(turnId), cancellationToken).ConfigureAwait(false);
        for (var asked = false; ; )
        {
            var events = await ReadAsync(principal, turnId, position, cancellationToken).ConfigureAwait(false);
            foreach (var logged in events)
            {
                position = logged.Sequence;
                yield return logged;
                if (logged.Event is TurnFinished)
                {
                    yield break;
                }
            }

            if (events.Count > 0)
            {
                continue;
            }

            if (!asked)
            {
                asked = true;
                if (
                    await EndOfAsync(principal, turnId, position, cancellationToken).ConfigureAwait(false) is
                    (true, var rest)
                )
                {
                    foreach (var logged in rest)
                    {
                        yield return logged;
                    }

                    yield break;
                }
            }

            asked = await WaitAsync(subscription, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What there is of a silent turn: its end, if it has one; one whose process is gone is taken over.</summary>
    private async Task<(bool HasEnded, IReadOnlyList<LoggedTurnEvent> Last)> EndOfAsync(
        Principal principal,
        string turnId,
        long position,
        CancellationToken cancellationToken
    )
    {
        var info = await conversations.FindTurnAsync(principal, turnId, cancellationToken).ConfigureAwait(false);
        if (info is null)
        {
            return (true, []);
        }

        if (info.FinishedAt is null)
        {
            if (info.Status == TurnStatus.Interrupted && !_draining)
            {
                await TakeOverAsync(turnId, closeAs: null, cancellationToken).ConfigureAwait(false);
            }

            return (false, []);
        }

        // With the last event that was told: it may have been the end.
        var rest = await ReadAsync(principal, turnId, position - 1, cancellationToken).ConfigureAwait(false);
        var hasEnd = rest is [.., { Event: TurnFinished }];
        rest = [.. rest.Where(logged => logged.Sequence > position)];
        if (hasEnd)
        {
            return (true, rest);
        }

        // Its events were removed, or it was closed by the release before: the row says how it ended.
        var last = rest is [.., var logged] ? logged.Sequence : position;
        return (true, [.. rest, new(last + 1, new TurnFinished(info.Status, info.FinishReason ?? "stop", info.Usage))]);
    }

    /// <returns>True when there may be more; false when it is time to ask whether the turn still runs.</returns>
    private async Task<bool> WaitAsync(IChangeSubscription? subscription, CancellationToken cancellationToken)
    {
        if (subscription is not null)
        {
            return await subscription.WaitAsync(LongestSilence, cancellationToken).ConfigureAwait(false);
        }

        await Task.Delay(PollInterval, _time, cancellationToken).ConfigureAwait(false);
        return false;
    }

    private async Task<IReadOnlyList<LoggedTurnEvent>> ReadAsync(
        Principal principal,
        string turnId,
        long after,
        CancellationToken cancellationToken
    )
    {
        var events = await turns
            .ReadEventsAsync(principal, turnId, after, PageSize, cancellationToken)
            .ConfigureAwait(false);
        if (passages is null || !events.Any(logged => logged.Event is CitationAdded))
        {
            return events;
        }

        // The log holds no copies of documents: what was quoted is read again, as long as it is there.
        List<LoggedTurnEvent> restored = [];
        foreach (var logged in events)
        {
            restored.Add(
                logged.Event is CitationAdded { Citation: { Verified: true } citation }
                    ? logged with
                    {
                        Event = new CitationAdded(
                            citation with
                            {
                                Quote = await passages
                                    .ReadAsync(citation.Passage, principal, cancellationToken)
                                    .ConfigureAwait(false),
                            }
                        ),
                    }
                    : logged
            );
        }

        return restored;
    }
}
