-- Who asks, what belongs to whom, and the clock of leases. Re-runnable.
--
-- The application says who asks in each transaction: set_config('slipway.principal', '{"tenant":"…","user":"…"}', true). Nothing
-- said, or an empty text, is nobody, and nobody owns no row.

-- One row, which only the owner may write, shifts the clock for everybody: for tests. Without a row it is the server's.
create table if not exists slipway.clock (
    id    boolean primary key default true check (id),
    shift interval not null
);

-- The time of every lease and claim. It stands still within a statement, so that an index can be used.
create or replace function slipway.now() returns timestamptz language sql stable parallel safe
return statement_timestamp() + coalesce((select shift from slipway.clock), interval '0');

create or replace function slipway.tenant() returns text language sql stable parallel safe
return nullif(current_setting('slipway.principal', true), '')::json ->> 'tenant';

create or replace function slipway.user_id() returns text language sql stable parallel safe
return nullif(current_setting('slipway.principal', true), '')::json ->> 'user';

-- By the table, not by what the caller says of itself. It runs with its owner's rights, because who asks sees only its own row.
create or replace function slipway.is_admin() returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$ select coalesce((select is_admin from slipway.users where tenant = slipway.tenant() and id = slipway.user_id()), false) $$;

-- Writers that do not set updated_at themselves.
create or replace function slipway.touch() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as
$$
begin
    new.updated_at := slipway.now();
    return new;
end
$$;

-- A user who is deleted takes along everything of theirs; usage stays as numbers that are nobody's.
create or replace function slipway.erase_user() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as
$$
begin
    delete from slipway.conversations where tenant = old.tenant and user_id = old.id;
    delete from slipway.turns where tenant = old.tenant and user_id = old.id; -- stateless ones
    delete from slipway.memories where tenant = old.tenant and user_id = old.id;
    delete from slipway.api_keys where tenant = old.tenant and user_id = old.id;
    update slipway.usage set user_id = '', turn_id = null where tenant = old.tenant and user_id = old.id;
    return null;
end
$$;

create or replace trigger erase after delete on slipway.users for each row execute function slipway.erase_user();

do $$
declare
    name text;
begin
    foreach name in array array['documents', 'users', 'memories'] loop
        execute format(
            'create or replace trigger touch before update on slipway.%I for each row
             when (new.updated_at = old.updated_at) execute function slipway.touch()', name);
    end loop;
end
$$;

-- What belongs to a user, and how a row says whose it is.
do $$
declare
    owned record;
    own text;
begin
    for owned in
        select * from (values
            ('users', 'id = (select slipway.user_id())'),
            ('api_keys', 'user_id = (select slipway.user_id())'),
            ('conversations', 'user_id = (select slipway.user_id())'),
            ('turns', 'user_id = (select slipway.user_id())'),
            ('memories', 'user_id = (select slipway.user_id())'),
            ('usage', 'user_id = (select slipway.user_id())'),
            ('messages', 'exists (select 1 from slipway.conversations c
                where c.tenant = messages.tenant and c.id = conversation_id and c.user_id = (select slipway.user_id()))'),
            ('turn_steps', 'exists (select 1 from slipway.turns t
                where t.id = turn_id and t.tenant = (select slipway.tenant()) and t.user_id = (select slipway.user_id()))'),
            ('turn_events', 'exists (select 1 from slipway.turns t
                where t.id = turn_id and t.tenant = (select slipway.tenant()) and t.user_id = (select slipway.user_id()))')
        ) as tables (name, is_own)
    loop
        execute format('alter table slipway.%I enable row level security, force row level security', owned.name);
        own := owned.is_own;
        if owned.name not in ('turn_steps', 'turn_events') then
            own := 'tenant = (select slipway.tenant()) and ' || own;
        end if;
        if not exists (select from pg_policies where schemaname = 'slipway' and tablename = owned.name and policyname = 'own') then
            -- Nobody makes an admin of themselves.
            execute format('create policy own on slipway.%I using (%s) with check (%s)', owned.name, own,
                own || case when owned.name = 'users' then ' and not is_admin' else '' end);
        end if;
        if not exists (select from pg_policies where schemaname = 'slipway' and tablename = owned.name and policyname = 'admin_reads') then
            execute format('create policy admin_reads on slipway.%I for select using (%s)', owned.name,
                case when owned.name in ('turn_steps', 'turn_events')
                    then 'exists (select 1 from slipway.turns t where t.id = turn_id and t.tenant = (select slipway.tenant()))'
                    else 'tenant = (select slipway.tenant())' end
                || ' and (select slipway.is_admin())');
        end if;
    end loop;
    if not exists (select from pg_policies where schemaname = 'slipway' and tablename = 'users' and policyname = 'admin_updates') then
        create policy admin_updates on slipway.users for update
            using (tenant = (select slipway.tenant()) and (select slipway.is_admin()));
    end if;
end
$$;

-- Gives the roles of roles.sql their rights, where they exist. Each migration that adds a table calls it at its end, and so does
-- roles.sql, which may be run later.
create or replace procedure slipway.grant_roles() language plpgsql set search_path = pg_catalog, pg_temp as
$$
declare
    owner text := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'slipway');
    role text;
    owned text;
begin
    revoke all on schema slipway from public;
    revoke all on all tables in schema slipway from public;
    revoke all on all routines in schema slipway from public;
    foreach role in array array['slipway_app', 'slipway_background'] loop
        if to_regrole(role) is not null then
            execute format('grant usage on schema slipway to %I', role);
            execute format('grant select, insert, update, delete on all tables in schema slipway to %I', role);
            execute format('revoke insert, update, delete on slipway.schema_migrations, slipway.clock from %I', role);
            execute format('grant usage on all sequences in schema slipway to %I', role);
            execute format('grant execute on all functions in schema slipway to %I', role);
        end if;
    end loop;
    if to_regrole('slipway_app') is not null then
        revoke delete on slipway.users from slipway_app; -- erasing is background work
    end if;

    -- Backfills and workers must not find tables silently empty: who migrates and who works in the background see every row.
    for owned in
        select relname from pg_class where relnamespace = 'slipway'::regnamespace and relforcerowsecurity
    loop
        foreach role in array array[owner, 'slipway_owner', 'slipway_background'] loop
            if to_regrole(role) is not null
                and not exists (select from pg_policies where schemaname = 'slipway' and tablename = owned and policyname = role)
            then
                execute format('create policy %I on slipway.%I to %I using (true) with check (true)', role, owned, role);
            end if;
        end loop;
    end loop;
end
$$;

call slipway.grant_roles();

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (2, 'identity', 1, now())
on conflict do nothing;
