using Npgsql;
using Slipway.Agents.Turns;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

// Who runs a turn, and who reads it.
internal sealed partial class PostgresTurnStore
{
    public ValueTask<IReadOnlyList<LoggedTurnEvent>> ReadEventsAsync(
        Principal principal,
        string turnId,
        long after = 0,
        int limit = int.MaxValue,
        CancellationToken cancellationToken = default
    ) =>
        ReadAsync(
            principal,
            turnId,
            """
            select e.sequence, e.data from slipway.turn_events e join slipway.turns t on t.id = e.turn_id
            where e.turn_id = $1 and t.tenant = $2 and t.user_id = $3 and e.sequence > $4
            order by e.sequence limit $5
            """,
            [turnId, principal.Tenant, principal.Id, after, limit],
            row => new LoggedTurnEvent(row.GetInt64(0), StoredTurnEvent.Read(row.GetString(1))),
            cancellationToken
        );

    public ValueTask<IReadOnlyList<TurnStep>> ReadStepsAsync(
        Principal principal,
        string turnId,
        CancellationToken cancellationToken = default
    ) =>
        ReadAsync(
            principal,
            turnId,
            """
            select s.number, s.kind, s.name, s.call_id, s.status, s.data from slipway.turn_steps s
            join slipway.turns t on t.id = s.turn_id
            where s.turn_id = $1 and t.tenant = $2 and t.user_id = $3 order by s.number
            """,
            [turnId, principal.Tenant, principal.Id],
            row => new TurnStep
            {
                Number = row.GetInt32(0),
                Kind = Enum.Parse<TurnStepKind>(row.GetString(1)),
                Name = row.NullableString(2),
                CallId = row.NullableString(3),
                Status = Enum.Parse<TurnStepStatus>(row.GetString(4)),
                Data = row.NullableString(5),
            },
            cancellationToken
        );

    public async ValueTask<string?> RequestStopAsync(
        Principal principal,
        string conversationId,
        CancellationToken cancellationToken = default
    ) =>
        !PostgresAccess.CanBeStored(conversationId)
            ? null
            : await database
                .WriteAsync(
                    principal,
                    async session =>
                    {
                        var turnId = (string?)
                            await session
                                .ScalarAsync(
                                    """
                                    update slipway.turns set stop_requested_at = coalesce(stop_requested_at, $4)
                                    where tenant = $1 and user_id = $2 and conversation_id = $3
                                        and status = 'Running' and fencing_token > 0
                                    returning id
                                    """,
                                    principal.Tenant,
                                    principal.Id,
                                    conversationId,
                                    database.Now
                                )
                                .ConfigureAwait(false);
                        if (turnId is not null)
                        {
                            session.Changed.Add(ChangeTopic.TurnStop(turnId));
                        }

                        return turnId;
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);

    public ValueTask<IReadOnlyList<TurnRenewal>> RenewAsync(
        IReadOnlyCollection<TurnLease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    ) =>
        WriteAsync(
            "select id, stop_requested from slipway.renew_turns($1, $2, $3)",
            [Ids(leases), Tokens(leases), StoredValue.Milliseconds(duration)],
            row => new TurnRenewal(row.GetString(0), row.GetBoolean(1)),
            cancellationToken
        );

    public ValueTask ReleaseAsync(
        IReadOnlyCollection<TurnLease> leases,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            null,
            session =>
            {
                session.Queue("select slipway.release_turns($1, $2)", Ids(leases), Tokens(leases));
                session.Changed.Add(ChangeTopic.AbandonedTurns);
                return Task.CompletedTask;
            },
            cancellationToken
        );

    public async ValueTask<IReadOnlyList<AbandonedTurn>> TakeOverAsync(
        TimeSpan duration,
        int limit = 100,
        string? turnId = null,
        CancellationToken cancellationToken = default
    )
    {
        var owners = await database
            .ReadAsync(
                null,
                session => ReadAsync(session, "select * from slipway.turn_owners()", [], row => row.GetString(0)),
                cancellationToken
            )
            .ConfigureAwait(false);
        return await WriteAsync(
                """
                select id, fencing_token, tenant, user_id, conversation_id, request, stop_requested
                from slipway.take_over_turns($1, $2, $3, $4, $5)
                """,
                [
                    _state.Owner,
                    StoredValue.Milliseconds(duration),
                    limit,
                    new NpgsqlParameter<string?> { TypedValue = turnId },
                    owners.Where(_state.IsGone).ToArray(),
                ],
                row => new AbandonedTurn
                {
                    Lease = new(row.GetString(0), row.GetInt64(1)),
                    Principal = new(row.GetString(2), row.GetString(3)),
                    ConversationId = row.GetString(4),
                    Request = row.NullableString(5),
                    StopRequested = row.GetBoolean(6),
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    public async ValueTask<int> TrimAsync(
        DateTimeOffset before,
        int limit = 100,
        CancellationToken cancellationToken = default
    ) =>
        checked(
            (int)
                (
                    await WriteAsync(
                            "select slipway.trim_turns($1, $2)",
                            [before.ToUniversalTime(), limit],
                            row => row.GetInt64(0),
                            cancellationToken
                        )
                        .ConfigureAwait(false)
                )[0]
        );

    private static string[] Ids(IReadOnlyCollection<TurnLease> leases) => [.. leases.Select(lease => lease.TurnId)];

    private static long[] Tokens(IReadOnlyCollection<TurnLease> leases) =>
        [.. leases.Select(lease => lease.FencingToken)];

    private async ValueTask<IReadOnlyList<T>> ReadAsync<T>(
        Principal principal,
        string turnId,
        string sql,
        object?[] arguments,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    ) =>
        !PostgresAccess.CanBeStored(turnId)
            ? []
            : await database
                .ReadAsync(principal, session => ReadAsync(session, sql, arguments, read), cancellationToken)
                .ConfigureAwait(false);

    private async ValueTask<IReadOnlyList<T>> WriteAsync<T>(
        string sql,
        object?[] arguments,
        Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken
    ) =>
        await database
            .WriteAsync(null, session => ReadAsync(session, sql, arguments, read), cancellationToken)
            .ConfigureAwait(false);

    private static async Task<IReadOnlyList<T>> ReadAsync<T>(
        PostgresSession session,
        string sql,
        object?[] arguments,
        Func<NpgsqlDataReader, T> read
    )
    {
        List<T> found = [];
        var rows = await session.QueryAsync(sql, arguments).ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            while (await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false))
            {
                found.Add(read(rows));
            }
        }

        return found;
    }
}
