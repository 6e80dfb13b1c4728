-- API keys, found by who does not yet know whose they are. Re-runnable.

-- Whoever has the hash has the key. It runs with its owner's rights, because nobody is known before the key is.
create or replace function slipway.find_api_key(key_hash text) returns setof slipway.api_keys language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$ select * from slipway.api_keys where hash = key_hash $$;

-- A tenant's keys, for who administers them: an admin by a token's claim or a key's scope is none that the table users knows.
create or replace function slipway.list_api_keys(of_tenant text)
returns table (
    id text, tenant text, user_id text, name text, scopes text, created_at timestamptz, expires_at timestamptz,
    last_used_at timestamptz, revoked_at timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$
    select id, tenant, user_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
    from slipway.api_keys where tenant = of_tenant
$$;

call slipway.grant_roles();

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (8, 'conversations', 1, now())
on conflict do nothing;
