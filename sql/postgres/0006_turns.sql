-- Turns that outlive the process that runs them. Whoever runs one holds it until lease_expires_at, by slipway.now(), and writes under
-- its fencing token. The request says who asked and how, for whoever takes the turn over; null where only its first owner can run it.
-- Re-runnable.
alter table slipway.turns add column if not exists lease_expires_at timestamptz;
alter table slipway.turns add column if not exists stop_requested_at timestamptz;
alter table slipway.turns add column if not exists request text;
alter table slipway.turns add column if not exists request_hash text collate "C";

-- One turn at a time in a conversation. Turns of the release before have no token and are not counted.
create unique index if not exists turns_one_running on slipway.turns (tenant, conversation_id)
    where status = 'Running' and fencing_token > 0;
create unique index if not exists turns_by_key on slipway.turns (tenant, user_id, idempotency_key) where idempotency_key is not null;
create index if not exists turns_ended on slipway.turns (finished_at) where finished_at is not null;

-- Who runs turns asks for many users at once, of which row-level security would show it none. These functions run with their owner's
-- rights, and do no more than hold turns by their tokens, and find those that nobody holds.
create or replace function slipway.renew_turns(ids text[], tokens bigint[], milliseconds bigint)
returns table (id text, stop_requested boolean) language sql security definer set search_path = pg_catalog, pg_temp as
$$
    with held as materialized ( -- in the order in which turns are locked to write their events
        select t.id from slipway.turns t join unnest($1, $2) lease (turn_id, token) on t.id = lease.turn_id
        where t.fencing_token = lease.token and t.status = 'Running' order by t.id for no key update of t)
    update slipway.turns t set lease_expires_at = slipway.now() + $3 * interval '1 millisecond'
    from held where t.id = held.id
    returning t.id, t.stop_requested_at is not null
$$;

create or replace function slipway.release_turns(ids text[], tokens bigint[]) returns void language sql security definer
set search_path = pg_catalog, pg_temp as
$$
    update slipway.turns t set lease_expires_at = null, owner = null
    from unnest($1, $2) held (turn_id, token)
    where t.id = held.turn_id and t.fencing_token = held.token and t.status = 'Running'
$$;

create or replace function slipway.turn_owners() returns setof text language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$ select distinct owner from slipway.turns where status = 'Running' and fencing_token > 0 and owner is not null $$;

-- Those whose lease has expired, and those of owners that are known to be gone.
create or replace function slipway.take_over_turns(new_owner text, milliseconds bigint, most integer, only_id text, gone text[])
returns table (id text, fencing_token bigint, tenant text, user_id text, conversation_id text, request text, stop_requested boolean)
language sql security definer set search_path = pg_catalog, pg_temp as
$$
    with abandoned as materialized (
        select a.id from slipway.turns a
        where a.status = 'Running' and a.fencing_token > 0 and ($4 is null or a.id = $4)
            and (coalesce(a.lease_expires_at, '-infinity') <= slipway.now() or a.owner = any($5))
        order by a.started_at limit $3 for update skip locked)
    update slipway.turns t set owner = $1, fencing_token = t.fencing_token + 1,
        lease_expires_at = slipway.now() + $2 * interval '1 millisecond'
    from abandoned where t.id = abandoned.id
    returning t.id, t.fencing_token, t.tenant, t.user_id, t.conversation_id, t.request, t.stop_requested_at is not null
$$;

-- Steps and events of turns that ended before a time.
create or replace function slipway.trim_turns(before timestamptz, most integer) returns bigint language sql security definer
set search_path = pg_catalog, pg_temp as
$$
    with ended as materialized (
        select t.id from slipway.turns t
        where t.finished_at < $1 and (
            exists (select from slipway.turn_events e where e.turn_id = t.id)
            or exists (select from slipway.turn_steps s where s.turn_id = t.id))
        limit $2),
    events as (delete from slipway.turn_events where turn_id in (select id from ended)),
    steps as (delete from slipway.turn_steps where turn_id in (select id from ended))
    select count(*) from ended
$$;

call slipway.grant_roles();

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (6, 'turns', 1, now())
on conflict do nothing;
