using Npgsql;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>
/// Commits the events of many turns together: what comes while a transaction is under way waits for the next one. Deltas of hundreds of
/// streams would be as many transactions otherwise, and commits that notify go one after the other through the whole server.
/// </summary>
internal sealed class PostgresTurnWriter(PostgresDatabase database)
{
    private const int MaxGroup = 64;

    private readonly Lock _lock = new();
    private readonly List<Write> _waiting = [];
    private bool _isWriting;

    /// <summary>Whether an output can be written with others': it holds events and nothing else.</summary>
    public static bool Takes(TurnOutput output) =>
        output
            is {
                ConversationId: not null,
                Events.Count: > 0,
                Usage: null,
                End: null,
                Messages.Count: 0,
                Steps.Count: 0
            };

    /// <returns>False when the turn is not the writer's any more.</returns>
    public Task<bool> WriteAsync(TurnOutput output)
    {
        var write = new Write(output);
        lock (_lock)
        {
            _waiting.Add(write);
            if (_isWriting)
            {
                return write.Done.Task;
            }

            _isWriting = true;
        }

        _ = WriteAllAsync();
        return write.Done.Task;
    }

    private async Task WriteAllAsync()
    {
        while (true)
        {
            List<Write> group;
            lock (_lock)
            {
                if (_waiting.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                group = _waiting[..Math.Min(MaxGroup, _waiting.Count)];
                _waiting.RemoveRange(0, group.Count);
            }

            await WriteAsync(group).ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(List<Write> group)
    {
        // Whoever renews leases locks turns in this order, too.
        group.Sort((a, b) => string.CompareOrdinal(a.Output.TurnId, b.Output.TurnId));
        try
        {
            var isOwn = await database
                .WriteAsync(group[0].Output.Principal, session => WriteAsync(session, group), CancellationToken.None)
                .ConfigureAwait(false);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Done.SetResult(isOwn[i]);
            }
        }
        catch (Exception) when (group.Count > 1)
        {
            // One that cannot be stored takes nothing of the others with it.
            foreach (var write in group)
            {
                await WriteAsync([write]).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            group[0].Done.SetException(exception);
        }
    }

    private async Task<bool[]> WriteAsync(PostgresSession session, List<Write> group)
    {
        var caller = group[0].Output.Principal;
        List<NpgsqlBatchCommand> locked = [];
        foreach (var output in group.Select(write => write.Output))
        {
            if ((output.Principal.Tenant, output.Principal.Id) != (caller.Tenant, caller.Id))
            {
                caller = output.Principal;
                session.Queue(
                    "select set_config('slipway.principal', $1, true)",
                    PostgresCaller.Of(caller, null).Setting
                );
            }

            locked.Add(
                session.Queue(
                    PostgresTurnStore.LockSql,
                    output.TurnId,
                    output.Principal.Tenant,
                    output.Principal.Id,
                    output.FencingToken
                )
            );
            session.Queue(
                """
                insert into slipway.turn_events (turn_id, sequence, data, created_at)
                select $1, $2 + event.place - 1, event.data, $4 from unnest($3) with ordinality as event (data, place)
                where exists (select from slipway.turns t where t.id = $1 and t.fencing_token = $5 and t.status = 'Running')
                on conflict do nothing
                """,
                output.TurnId,
                output.FirstSequence,
                output.Events.Select(StoredTurnEvent.Write).ToArray(),
                database.Now,
                output.FencingToken
            );
            session.Changed.Add(ChangeTopic.Turn(output.TurnId));
        }

        await session.FlushAsync().ConfigureAwait(false);
        return [.. locked.Select(command => command.Rows > 0)];
    }

    private sealed class Write(TurnOutput output)
    {
        public TurnOutput Output { get; } = output;

        public TaskCompletionSource<bool> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
