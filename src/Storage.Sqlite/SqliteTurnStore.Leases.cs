using Slipway.Agents.Turns;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

// Who runs a turn, and who reads it.
internal sealed partial class SqliteTurnStore
{
    public ValueTask<IReadOnlyList<LoggedTurnEvent>> ReadEventsAsync(
        Principal principal,
        string turnId,
        long after = 0,
        int limit = int.MaxValue,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<LoggedTurnEvent>>(
            session =>
            {
                List<LoggedTurnEvent> events = [];
                using var rows = session.Query(
                    """
                    select e.sequence, e.data from turn_events e join turns t on t.id = e.turn_id
                    where e.turn_id = $1 and t.tenant = $2 and t.user_id = $3 and e.sequence > $4
                    order by e.sequence limit $5
                    """,
                    turnId,
                    principal.Tenant,
                    principal.Id,
                    after,
                    limit
                );
                while (rows.Read())
                {
                    events.Add(new(rows.GetInt64(0), StoredTurnEvent.Read(rows.GetString(1))));
                }

                return events;
            },
            cancellationToken
        );

    public ValueTask<IReadOnlyList<TurnStep>> ReadStepsAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) =>
        database.ReadAsync<IReadOnlyList<TurnStep>>(
            session =>
            {
                List<TurnStep> steps = [];
                using var rows = session.Query(
                    """
                    select s.number, s.kind, s.name, s.call_id, s.status, s.data from turn_steps s join turns t on t.id = s.turn_id
                    where s.turn_id = $1 and t.tenant = $2 and t.user_id = $3 order by s.number
                    """,
                    turnId,
                    principal.Tenant,
                    principal.Id
                );
                while (rows.Read())
                {
                    steps.Add(
                        new()
                        {
                            Number = rows.GetInt32(0),
                            Kind = Enum.Parse<TurnStepKind>(rows.GetString(1)),
                            Name = rows.NullableString(2),
                            CallId = rows.NullableString(3),
                            Status = Enum.Parse<TurnStepStatus>(rows.GetString(4)),
                            Data = rows.NullableString(5),
                        }
                    );
                }

                return steps;
            },
            cancellationToken
        );

    public ValueTask<string?> RequestStopAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
            {
                var turnId = (string?)
                    session.Scalar(
                        """
                        update turns set stop_requested_at = coalesce(stop_requested_at, $4)
                        where tenant = $1 and user_id = $2 and conversation_id = $3 and status = 'Running' and fencing_token > 0
                        returning id
                        """,
                        principal.Tenant,
                        principal.Id,
                        conversationId,
                        database.Now
                    );
                if (turnId is not null)
                {
                    session.Changed.Add(ChangeTopic.TurnStop(turnId));
                }

                return turnId;
            },
            cancellationToken
        );

    public ValueTask<IReadOnlyList<TurnRenewal>> RenewAsync(
        IReadOnlyCollection<TurnLease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync<IReadOnlyList<TurnRenewal>>(
            session =>
            {
                List<TurnRenewal> renewed = [];
                foreach (var lease in leases)
                {
                    using var row = session.Query(
                        """
                        update turns set lease_expires_at = slipway_now() + $3
                        where id = $1 and fencing_token = $2 and status = 'Running'
                        returning stop_requested_at
                        """,
                        lease.TurnId,
                        lease.FencingToken,
                        StoredValue.Milliseconds(duration)
                    );
                    if (row.Read())
                    {
                        renewed.Add(new(lease.TurnId, !row.IsDBNull(0)));
                    }
                }

                return renewed;
            },
            cancellationToken
        );

    public ValueTask ReleaseAsync(
        IReadOnlyCollection<TurnLease> leases,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
            {
                foreach (var lease in leases)
                {
                    session.Execute(
                        """
                        update turns set lease_expires_at = null, owner = null
                        where id = $1 and fencing_token = $2 and status = 'Running'
                        """,
                        lease.TurnId,
                        lease.FencingToken
                    );
                }

                session.Changed.Add(ChangeTopic.AbandonedTurns);
            },
            cancellationToken
        );

    public ValueTask<IReadOnlyList<AbandonedTurn>> TakeOverAsync(
        TimeSpan duration,
        int limit = 100,
        string? turnId = null,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync<IReadOnlyList<AbandonedTurn>>(
            session => [.. FindAbandoned(session, limit, turnId).Select(turn => TakeOver(session, turn, duration))],
            cancellationToken
        );

    public ValueTask<int> TrimAsync(
        DateTimeOffset before,
        int limit = 100,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            session =>
            {
                List<string> ended = [];
                using (
                    var rows = session.Query(
                        """
                        select id from turns t where finished_at < $1 and (
                            exists (select 1 from turn_events where turn_id = t.id)
                            or exists (select 1 from turn_steps where turn_id = t.id))
                        limit $2
                        """,
                        before.ToUnixTimeMilliseconds(),
                        limit
                    )
                )
                {
                    while (rows.Read())
                    {
                        ended.Add(rows.GetString(0));
                    }
                }

                foreach (var id in ended)
                {
                    session.Execute("delete from turn_events where turn_id = $1", id);
                    session.Execute("delete from turn_steps where turn_id = $1", id);
                }

                return ended.Count;
            },
            cancellationToken
        );

    private List<(string Id, long Token)> FindAbandoned(SqliteSession session, int limit, string? turnId)
    {
        List<(string, long)> abandoned = [];
        using var rows = session.Query(
            $"""
            select id, fencing_token, {SqliteTurnState.Columns} from turns
            where status = 'Running' and fencing_token > 0 and ($1 is null or id = $1)
            order by started_at
            """,
            turnId
        );
        while (abandoned.Count < limit && rows.Read())
        {
            if (_state.Read(rows, 2) == TurnStatus.Interrupted)
            {
                abandoned.Add((rows.GetString(0), rows.GetInt64(1)));
            }
        }

        return abandoned;
    }

    private AbandonedTurn TakeOver(SqliteSession session, (string Id, long Token) turn, TimeSpan duration)
    {
        using var row = session.Query(
            """
            update turns set owner = $2, fencing_token = fencing_token + 1, lease_expires_at = slipway_now() + $3 where id = $1
            returning tenant, user_id, conversation_id, request, stop_requested_at
            """,
            turn.Id,
            _state.Owner,
            StoredValue.Milliseconds(duration)
        );
        row.Read();
        return new()
        {
            Lease = new(turn.Id, turn.Token + 1),
            Principal = new(row.GetString(0), row.GetString(1)),
            ConversationId = row.GetString(2),
            Request = row.NullableString(3),
            StopRequested = !row.IsDBNull(4),
        };
    }
}
