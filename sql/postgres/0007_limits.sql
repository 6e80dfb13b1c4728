-- What users may still use. Money is in billionths of the currency that the prices are in. Re-runnable.

-- What was used by day; a day begins at midnight UTC.
create table if not exists slipway.usage_days (
    tenant  text collate "C" not null,
    user_id text collate "C" not null,
    day     timestamptz not null,
    tokens  bigint not null default 0,
    cost    bigint not null default 0,
    primary key (tenant, user_id, day)
);

-- A turn from its admission on: what it may use at most, and what it has used, which is in its day already. A row stays as long as it
-- counts as a request.
create table if not exists slipway.turn_reservations (
    turn_id     text collate "C" primary key,
    tenant      text collate "C" not null,
    user_id     text collate "C" not null,
    day         timestamptz not null,
    tokens      bigint not null,
    cost        bigint not null,
    used_tokens bigint not null default 0,
    used_cost   bigint not null default 0,
    admitted_at timestamptz not null,
    expires_at  timestamptz not null,
    settled_at  timestamptz
);

create index if not exists turn_reservations_by_user on slipway.turn_reservations (tenant, user_id, admitted_at);

alter table slipway.usage add column if not exists cached_input_tokens bigint;
alter table slipway.usage add column if not exists cost bigint;
alter table slipway.usage add column if not exists tool text; -- of kind tool: which one was called

do $$
declare
    owned text;
begin
    foreach owned in array array['usage_days', 'turn_reservations'] loop
        execute format('alter table slipway.%I enable row level security, force row level security', owned);
        if not exists (select from pg_policies where schemaname = 'slipway' and tablename = owned and policyname = 'own') then
            execute format('create policy own on slipway.%I using (tenant = (select slipway.tenant()) and user_id = (select slipway.user_id()))', owned);
        end if;
        if not exists (select from pg_policies where schemaname = 'slipway' and tablename = owned and policyname = 'admin_reads') then
            execute format('create policy admin_reads on slipway.%I for select using (tenant = (select slipway.tenant()) and (select slipway.is_admin()))', owned);
        end if;
    end loop;
end
$$;

-- A user who is deleted takes along what tells of them; what was used stays in usage as numbers that are nobody's.
create or replace function slipway.erase_limits() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as
$$
begin
    delete from slipway.usage_days where tenant = old.tenant and user_id = old.id;
    delete from slipway.turn_reservations where tenant = old.tenant and user_id = old.id;
    return null;
end
$$;

create or replace trigger erase_limits after delete on slipway.users for each row execute function slipway.erase_limits();

call slipway.grant_roles();

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (7, 'limits', 1, now())
on conflict do nothing;
