using Slipway.Agents.Limits;
using Slipway.Agents.Limits.Internal;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres;

/// <summary>Limits of users in PostgreSQL, by <c>slipway.now()</c>. Whoever decides holds the user's lock.</summary>
internal sealed class PostgresTurnLimitStore(PostgresDatabase database) : ITurnLimitStore
{
    // Locks of this kind, beside those of others: the user's name is hashed with it.
    private const long LockSeed = 0x6c696d697473; // "limits"

    private const string Standings = """
        with now as (
            select slipway.now() as time, date_trunc('day', slipway.now(), 'UTC') as day
        ),
        mine as (
            select r.*, r.settled_at is null and r.expires_at > now.time as runs,
                r.admitted_at > now.time - $3 * interval '1 millisecond' as recent, now.day as today
            from slipway.turn_reservations r, now where r.tenant = $1 and r.user_id = $2
        )
        select now.time,
            (select count(*) from mine where recent),
            (select min(admitted_at) from mine where recent),
            (select count(*) from mine where runs),
            (select coalesce(sum(greatest(tokens - used_tokens, 0)), 0)::bigint from mine where runs and day = today),
            (select coalesce(sum(greatest(cost - used_cost, 0)), 0)::bigint from mine where runs and day = today),
            coalesce((select tokens from slipway.usage_days where tenant = $1 and user_id = $2 and day = now.day), 0),
            coalesce((select cost from slipway.usage_days where tenant = $1 and user_id = $2 and day = now.day), 0)
        from now
        """;

    public ValueTask<Spend> ReserveAsync(
        string turnId,
        Principal principal,
        TurnLimits limits,
        TimeSpan lifetime,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(turnId);
        ArgumentNullException.ThrowIfNull(limits);
        return database.WriteAsync(
            principal,
            async session =>
            {
                var (standing, before) = await LockAsync(session, turnId, principal, limits.Window)
                    .ConfigureAwait(false);
                if (before is { } known)
                {
                    standing.AdmitAgain(limits, known.IsLive);
                    Extend(session, turnId, principal, lifetime);
                    return known.Used;
                }

                standing.Admit(limits);
                session.Queue(
                    """
                    insert into slipway.turn_reservations (turn_id, tenant, user_id, day, tokens, cost, admitted_at, expires_at)
                    values ($1, $2, $3, date_trunc('day', $6, 'UTC'), $4, $5, $6, $6 + $7 * interval '1 millisecond')
                    """,
                    turnId,
                    principal.Tenant,
                    principal.Id,
                    limits.TokensPerTurn ?? 0,
                    Spend.ToNanos(limits.CostPerTurn ?? 0),
                    standing.Now,
                    StoredValue.Milliseconds(lifetime)
                );
                return default;
            },
            cancellationToken
        );
    }

    public ValueTask RenewAsync(
        string turnId,
        Principal principal,
        Spend used,
        TimeSpan lifetime,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            principal,
            session =>
            {
                Note(session, turnId, principal, used);
                Extend(session, turnId, principal, lifetime);
                return Task.CompletedTask;
            },
            cancellationToken
        );

    public ValueTask SettleAsync(
        string turnId,
        Principal principal,
        Spend used,
        CancellationToken cancellationToken = default
    ) =>
        database.WriteAsync(
            principal,
            session =>
            {
                Note(session, turnId, principal, used);
                session.Queue(
                    """
                    update slipway.turn_reservations set settled_at = slipway.now()
                    where turn_id = $1 and tenant = $2 and user_id = $3 and settled_at is null
                    """,
                    turnId,
                    principal.Tenant,
                    principal.Id
                );
                return Task.CompletedTask;
            },
            cancellationToken
        );

    public ValueTask<DayUsage> ReadTodayAsync(Principal principal, CancellationToken cancellationToken = default) =>
        database.ReadAsync(
            principal,
            async session =>
            {
                var row = await session.QueryAsync(Standings, principal.Tenant, principal.Id, 0L).ConfigureAwait(false);
                await using (row.ConfigureAwait(false))
                {
                    return (await ReadAsync(session, row).ConfigureAwait(false)).Today;
                }
            },
            cancellationToken
        );

    /// <summary>
    /// Takes the user's lock, removes what counts no more, and reads in one round trip how the user stands then. A late settlement of a turn
    /// whose process hung finds its row for a day.
    /// </summary>
    /// <returns>
    /// How the user stands, and the reservation of a turn that goes on elsewhere, or that was admitted by a call that did not hear of it.
    /// </returns>
    private static async Task<(Standing Standing, (Spend Used, bool IsLive)? Before)> LockAsync(
        PostgresSession session,
        string turnId,
        Principal principal,
        TimeSpan window
    )
    {
        // A statement of its own: the next ones must see what was committed while this one waited.
        session.Queue(
            "select pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, $3))",
            principal.Tenant,
            principal.Id,
            LockSeed
        );
        session.Queue(
            """
            delete from slipway.turn_reservations where tenant = $1 and user_id = $2
                and admitted_at <= slipway.now() - $3 * interval '1 millisecond'
                and (settled_at is not null or expires_at <= slipway.now() - interval '1 day') and turn_id <> $4
            """,
            principal.Tenant,
            principal.Id,
            StoredValue.Milliseconds(window),
            turnId
        );
        session.Queue(
            """
            select used_tokens, used_cost, settled_at is null and expires_at > slipway.now() from slipway.turn_reservations
            where turn_id = $1 and tenant = $2 and user_id = $3
            """,
            turnId,
            principal.Tenant,
            principal.Id
        );
        var rows = await session
            .QueryAsync(Standings, principal.Tenant, principal.Id, StoredValue.Milliseconds(window))
            .ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            await rows.NextResultAsync(session.CancellationToken).ConfigureAwait(false); // behind the lock's
            (Spend, bool)? before = await rows.ReadAsync(session.CancellationToken).ConfigureAwait(false)
                ? (Spend.FromNanos(rows.GetInt64(0), rows.GetInt64(1)), rows.GetBoolean(2))
                : null;
            await rows.NextResultAsync(session.CancellationToken).ConfigureAwait(false);
            return (await ReadAsync(session, rows).ConfigureAwait(false), before);
        }
    }

    private static void Extend(PostgresSession session, string turnId, Principal principal, TimeSpan lifetime) =>
        session.Queue(
            """
            update slipway.turn_reservations
            set expires_at = slipway.now() + $4 * interval '1 millisecond', settled_at = null
            where turn_id = $1 and tenant = $2 and user_id = $3
            """,
            turnId,
            principal.Tenant,
            principal.Id,
            StoredValue.Milliseconds(lifetime)
        );

    private static async Task<Standing> ReadAsync(PostgresSession session, Npgsql.NpgsqlDataReader row)
    {
        await row.ReadAsync(session.CancellationToken).ConfigureAwait(false);
        return new()
        {
            Now = row.Time(0),
            Requests = row.GetInt64(1),
            FirstRequest = row.NullableTime(2),
            Today = new(
                Spend.FromNanos(row.GetInt64(6), row.GetInt64(7)),
                Spend.FromNanos(row.GetInt64(4), row.GetInt64(5)),
                (int)row.GetInt64(3)
            ),
        };
    }

    /// <summary>
    /// What a turn has used goes to the day that it began on. Only more than before is new: a note may come twice. One statement, because
    /// who decides must see it in one of the two places.
    /// </summary>
    private static void Note(PostgresSession session, string turnId, Principal principal, Spend used) =>
        session.Queue(
            """
            with before as (
                select turn_id, tenant, user_id, day, used_tokens, used_cost from slipway.turn_reservations
                where turn_id = $1 and tenant = $2 and user_id = $3 for update
            ),
            noted as (
                update slipway.turn_reservations r
                set used_tokens = greatest(r.used_tokens, $4), used_cost = greatest(r.used_cost, $5)
                from before where r.turn_id = before.turn_id
            )
            insert into slipway.usage_days as days (tenant, user_id, day, tokens, cost)
            select tenant, user_id, day, greatest($4 - used_tokens, 0), greatest($5 - used_cost, 0) from before
            on conflict (tenant, user_id, day) do update
                set tokens = days.tokens + excluded.tokens, cost = days.cost + excluded.cost
            """,
            turnId,
            principal.Tenant,
            principal.Id,
            used.Tokens,
            used.Nanos
        );
}
