using Slipway.Agents.Limits;
using Slipway.Agents.Limits.Internal;
using Slipway.Rag.Storage.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite;

/// <summary>Limits of users in SQLite, by <c>slipway_now()</c>. There is one writer at a time, so whoever decides is alone.</summary>
internal sealed class SqliteTurnLimitStore(SqliteDatabase database) : ITurnLimitStore
{
    private const long Day = 86_400_000;

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
            session =>
            {
                var before = FindReservation(session, turnId, principal);
                Forget(session, turnId, principal, limits.Window);
                var standing = Read(session, principal, limits.Window);
                if (before is { } known)
                {
                    standing.AdmitAgain(limits, known.IsLive);
                    Extend(session, turnId, principal, lifetime);
                    return known.Used;
                }

                standing.Admit(limits);
                var now = standing.Now.ToUnixTimeMilliseconds();
                session.Execute(
                    """
                    insert into turn_reservations (turn_id, tenant, user_id, day, tokens, cost, admitted_at, expires_at)
                    values ($1, $2, $3, $4, $5, $6, $7, $8)
                    """,
                    turnId,
                    principal.Tenant,
                    principal.Id,
                    now - now % Day,
                    limits.TokensPerTurn ?? 0,
                    Spend.ToNanos(limits.CostPerTurn ?? 0),
                    now,
                    now + StoredValue.Milliseconds(lifetime)
                );
                return default;
            },
            cancellationToken
        );
    }

    public async ValueTask RenewAsync(
        string turnId,
        Principal principal,
        Spend used,
        TimeSpan lifetime,
        CancellationToken cancellationToken = default
    ) =>
        await database
            .WriteAsync(
                session =>
                {
                    Note(session, turnId, principal, used);
                    Extend(session, turnId, principal, lifetime);
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    public async ValueTask SettleAsync(
        string turnId,
        Principal principal,
        Spend used,
        CancellationToken cancellationToken = default
    ) =>
        await database
            .WriteAsync(
                session =>
                {
                    Note(session, turnId, principal, used);
                    session.Execute(
                        """
                        update turn_reservations set settled_at = slipway_now()
                        where turn_id = $1 and tenant = $2 and user_id = $3 and settled_at is null
                        """,
                        turnId,
                        principal.Tenant,
                        principal.Id
                    );
                },
                cancellationToken
            )
            .ConfigureAwait(false);

    public ValueTask<DayUsage> ReadTodayAsync(Principal principal, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => Read(session, principal, TimeSpan.FromMilliseconds(1)).Today, cancellationToken);

    /// <summary>That of a turn that goes on elsewhere, or that was admitted by a call that did not hear of it.</summary>
    private static (Spend Used, bool IsLive)? FindReservation(SqliteSession session, string turnId, Principal principal)
    {
        using var rows = session.Query(
            """
            select used_tokens, used_cost, settled_at is null and expires_at > slipway_now() from turn_reservations
            where turn_id = $1 and tenant = $2 and user_id = $3
            """,
            turnId,
            principal.Tenant,
            principal.Id
        );
        return rows.Read() ? (Spend.FromNanos(rows.GetInt64(0), rows.GetInt64(1)), rows.GetBoolean(2)) : null;
    }

    private static void Extend(SqliteSession session, string turnId, Principal principal, TimeSpan lifetime) =>
        session.Execute(
            """
            update turn_reservations set expires_at = slipway_now() + $4, settled_at = null
            where turn_id = $1 and tenant = $2 and user_id = $3
            """,
            turnId,
            principal.Tenant,
            principal.Id,
            StoredValue.Milliseconds(lifetime)
        );

    /// <summary>Removes what counts no more. A late settlement of a turn whose process hung finds its row for a day.</summary>
    private static void Forget(SqliteSession session, string turnId, Principal principal, TimeSpan window) =>
        session.Execute(
            """
            delete from turn_reservations where tenant = $1 and user_id = $2 and admitted_at <= slipway_now() - $3
                and (settled_at is not null or expires_at <= slipway_now() - $4) and turn_id <> $5
            """,
            principal.Tenant,
            principal.Id,
            StoredValue.Milliseconds(window),
            Day,
            turnId
        );

    private Standing Read(SqliteSession session, Principal principal, TimeSpan window)
    {
        using var row = session.Query(
            """
            with now as (select $4 as time, $4 - $4 % 86400000 as day),
            mine as (
                select r.*, r.settled_at is null and r.expires_at > now.time as runs, r.admitted_at > now.time - $3 as recent, now.day as today
                from turn_reservations r, now where r.tenant = $1 and r.user_id = $2
            )
            select now.time,
                (select count(*) from mine where recent),
                (select min(admitted_at) from mine where recent),
                (select count(*) from mine where runs),
                (select coalesce(sum(max(tokens - used_tokens, 0)), 0) from mine where runs and day = today),
                (select coalesce(sum(max(cost - used_cost, 0)), 0) from mine where runs and day = today),
                coalesce((select tokens from usage_days where tenant = $1 and user_id = $2 and day = now.day), 0),
                coalesce((select cost from usage_days where tenant = $1 and user_id = $2 and day = now.day), 0)
            from now
            """,
            principal.Tenant,
            principal.Id,
            StoredValue.Milliseconds(window),
            database.Now // once: a function that is called twice may be asked in two milliseconds
        );
        row.Read();
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

    /// <summary>What a turn has used goes to the day that it began on. Only more than before is new: a note may come twice.</summary>
    private static void Note(SqliteSession session, string turnId, Principal principal, Spend used)
    {
        session.Execute(
            """
            insert into usage_days (tenant, user_id, day, tokens, cost)
            select tenant, user_id, day, max($4 - used_tokens, 0), max($5 - used_cost, 0) from turn_reservations
            where turn_id = $1 and tenant = $2 and user_id = $3
            on conflict do update set tokens = tokens + excluded.tokens, cost = cost + excluded.cost
            """,
            turnId,
            principal.Tenant,
            principal.Id,
            used.Tokens,
            used.Nanos
        );
        session.Execute(
            """
            update turn_reservations set used_tokens = max(used_tokens, $4), used_cost = max(used_cost, $5)
            where turn_id = $1 and tenant = $2 and user_id = $3
            """,
            turnId,
            principal.Tenant,
            principal.Id,
            used.Tokens,
            used.Nanos
        );
    }
}
