-- Files that users attach to messages, and API keys, found by who does not yet know whose they are. Re-runnable.
--
-- The bytes are in blobs; hash names them, and is the attachment's id within its conversation. The row is there before the conversation
-- is, which begins with the message that the file is attached to.
create table if not exists slipway.attachments (
    tenant          text collate "C" not null,
    conversation_id text collate "C" not null,
    user_id         text collate "C" not null,
    hash            text collate "C" not null,
    media_type      text not null,
    name            text,
    length          bigint not null,
    created_at      timestamptz not null,
    primary key (tenant, conversation_id, user_id, hash)
);

create index if not exists attachments_by_blob on slipway.attachments (tenant, hash);
create index if not exists attachments_by_user on slipway.attachments (tenant, user_id, created_at);

alter table slipway.attachments enable row level security, force row level security;

do $$
begin
    if not exists (select from pg_policies where schemaname = 'slipway' and tablename = 'attachments' and policyname = 'own') then
        create policy own on slipway.attachments
            using (tenant = (select slipway.tenant()) and user_id = (select slipway.user_id()))
            with check (tenant = (select slipway.tenant()) and user_id = (select slipway.user_id()));
    end if;
    if not exists (select from pg_policies where schemaname = 'slipway' and tablename = 'attachments' and policyname = 'admin_reads') then
        create policy admin_reads on slipway.attachments for select
            using (tenant = (select slipway.tenant()) and (select slipway.is_admin()));
    end if;
end
$$;

-- Whether anybody has attached these bytes: row-level security would hide others' attachments from who is about to delete them.
create or replace function slipway.is_attached(of_tenant text, of_hash text) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$ select exists (select from slipway.attachments where tenant = of_tenant and hash = of_hash) $$;

-- A conversation takes its attachments along, and the last attachment the bytes.
create or replace function slipway.erase_attachments() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    delete from slipway.attachments where tenant = old.tenant and conversation_id = old.id and user_id = old.user_id;
    return null;
end
$$;

create or replace function slipway.erase_attached_blob() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    -- Whoever is about to use the bytes holds the row; the delete is a statement of its own, so that it sees what they did.
    update slipway.blobs set created_at = created_at where tenant = old.tenant and hash = old.hash;
    delete from slipway.blobs where tenant = old.tenant and hash = old.hash
        and not exists (select from slipway.documents where tenant = old.tenant and blob_hash = old.hash)
        and not slipway.is_attached(old.tenant, old.hash);
    return null;
end
$$;

create or replace trigger erase_attachments after delete on slipway.conversations
    for each row execute function slipway.erase_attachments();
create or replace trigger erase_attached_blob after delete on slipway.attachments
    for each row execute function slipway.erase_attached_blob();

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
