-- The older system's names, 1 of 3: what the views of the other two scripts share. See sql/README.md. Re-runnable; drops nothing.

-- Who was let in, also inside a function that runs with its owner's rights.
create or replace function slipway.compat_caller() returns name language sql stable
return case when current_setting('role') in ('none', '') then session_user else current_setting('role')::name end;

-- Back ends that work for everybody: what the older system did with its service key.
create or replace function slipway.compat_sees_all() returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$
    select coalesce(bool_or(pg_has_role(slipway.compat_caller(), oid, 'usage')), false) from pg_roles
    where rolname in ('service_role', 'slipway_background')
        or oid = (select nspowner from pg_namespace where nspname = 'slipway')
$$;

-- The user by Slipway's own setting, or else by the token that PostgREST has checked. Null for nobody.
create or replace function slipway.compat_user(tenant text) returns text language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$
    select case
        when nullif(current_setting('slipway.principal', true), '') is null
            then nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub'
        when slipway.tenant() = compat_user.tenant then slipway.user_id()
    end
$$;

-- With its owner's rights, because who asks may see no other row; by the table, not by what the caller says of itself.
create or replace function slipway.compat_is_admin(tenant text) returns boolean language sql stable security definer
set search_path = pg_catalog, pg_temp as
$$
    select coalesce((select u.is_admin from slipway.users u
        where u.tenant = compat_is_admin.tenant and u.id = slipway.compat_user(compat_is_admin.tenant)), false)
$$;

create or replace function slipway.compat_owns(tenant text, user_id text) returns boolean language sql stable
return coalesce(user_id = slipway.compat_user(tenant), false);

-- The older system's ids of users and requests are UUIDs. An id that is none gets one that is always the same.
create or replace function slipway.compat_uuid(id text) returns uuid language sql immutable parallel safe
return case when id ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then id::uuid else md5('slipway:' || id)::uuid end;

-- jsonb refuses NUL and lone surrogates, which JSON as text may hold.
create or replace function slipway.compat_json(body text) returns jsonb language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp as
$$
begin
    return body::jsonb;
exception when untranslatable_character or invalid_text_representation then
    return regexp_replace(body, '(?<!\\)((?:\\\\)*)\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\1\\ufffd', 'g')::jsonb;
end
$$;

-- What a person reads of a stored message: its texts, joined. Null when there is none, as in a message that only calls tools.
create or replace function slipway.compat_text(content text) returns text language sql immutable parallel safe
return (
    select string_agg(part ->> 'text', '' order by number)
    from jsonb_array_elements(slipway.compat_json(content) -> 'contents') with ordinality parts (part, number)
    where part ->> '$type' = 'text'
);

-- Attachments as the older system had them in the message: name, base64 content and type.
create or replace function slipway.compat_files(content text) returns jsonb language sql immutable parallel safe
return (
    select jsonb_agg(
        jsonb_build_object(
            'fileName', coalesce(part ->> 'name', ''),
            'content', split_part(part ->> 'uri', ';base64,', 2),
            'mimeType', split_part(substr(part ->> 'uri', 6), ';base64,', 1)) order by number)
    from jsonb_array_elements(slipway.compat_json(content) -> 'contents') with ordinality parts (part, number)
    where part ->> '$type' = 'data' and part ->> 'uri' like 'data:%;base64,%'
);

-- The other way round, for who still writes through the view. Not jsonb, which would put the type of a part behind its members.
create or replace function slipway.compat_content(message jsonb, message_id text) returns text language sql immutable
return (
    select json_build_object(
        'role', case message ->> 'type' when 'human' then 'user' else 'assistant' end,
        'contents', json_agg(part order by number),
        'messageId', message_id)::text
    from (
        select 0 as number, json_build_object('$type', 'text', 'text', coalesce(message ->> 'content', '')) as part
        union all
        select number,
            json_build_object(
                '$type', 'data',
                'uri', format('data:%s;base64,%s', coalesce(nullif(file ->> 'mimeType', ''), 'application/octet-stream'), file ->> 'content'),
                'name', coalesce(file ->> 'fileName', ''))
        from jsonb_array_elements(case when jsonb_typeof(message -> 'files') = 'array' then message -> 'files' else '[]' end)
            with ordinality files (file, number)
        where file ->> 'content' is not null
    ) parts
);

-- What match_documents returned beside a chunk.
create or replace function slipway.compat_metadata(document slipway.documents, ordinal integer) returns jsonb language sql immutable
return (
    select slipway.compat_json(document.metadata) || slipway.compat_json(document.source_metadata) || jsonb_build_object(
        'file_id', document.id, 'file_url', document.uri, 'file_title', document.title, 'mime_type', document.media_type,
        'chunk_index', ordinal, 'external_id', document.external_id)
);

-- The model whose vectors are compared when set-up named none: that of any chunk of the collection in this dimension.
create or replace function slipway.compat_model(tenant text, collection text, dimensions integer) returns text language sql stable
set search_path = pg_catalog, pg_temp as
$$
    select e.model from slipway.documents d
    join slipway.chunks c on c.document_id = d.id
    join slipway.embeddings e on e.content_hash = c.content_hash
    where d.tenant = compat_model.tenant and d.collection = compat_model.collection and e.dimensions = compat_model.dimensions
    limit 1
$$;

-- Writers through the views. The tenant is the trigger's argument; who may do what is checked here, because they run with their
-- owner's rights.
create or replace function slipway.compat_write_profile() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    if not (slipway.compat_sees_all() or slipway.compat_is_admin(tg_argv[0])) then
        if tg_op = 'INSERT' or new.is_admin or new.id is distinct from old.id or new.email is distinct from old.email
            or old.id is distinct from slipway.compat_uuid(slipway.compat_user(tg_argv[0]))
        then
            raise insufficient_privilege using message = 'You may change your own full name, and nothing else.';
        end if;
    end if;
    if tg_op = 'INSERT' then
        insert into slipway.users (tenant, id, email, display_name, is_admin, created_at, updated_at)
        values (tg_argv[0], new.id::text, new.email, new.full_name, coalesce(new.is_admin, false),
            coalesce(new.created_at, slipway.now()), coalesce(new.updated_at, slipway.now()));
    else
        update slipway.users set email = new.email, display_name = new.full_name, is_admin = coalesce(new.is_admin, false)
        where tenant = tg_argv[0] and slipway.compat_uuid(id) = old.id;
    end if;
    return new;
end
$$;

create or replace function slipway.compat_write_conversation() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    if not (slipway.compat_sees_all() or slipway.compat_is_admin(tg_argv[0])
        or coalesce(new.user_id = slipway.compat_uuid(slipway.compat_user(tg_argv[0])), false)) -- an update sees own rows only
    then
        raise insufficient_privilege using message = 'A conversation belongs to the user who starts it.';
    end if;
    if tg_op = 'INSERT' then
        insert into slipway.conversations (tenant, id, user_id, title, metadata, created_at, last_message_at, archived_at)
        values (tg_argv[0], new.session_id,
            coalesce((select id from slipway.users where tenant = tg_argv[0] and slipway.compat_uuid(id) = new.user_id), new.user_id::text),
            new.title, coalesce(new.metadata, '{}')::text, coalesce(new.created_at, slipway.now()),
            coalesce(new.last_message_at, slipway.now()), case when new.is_archived then slipway.now() end);
    elsif new.session_id is distinct from old.session_id or new.user_id is distinct from old.user_id then
        raise feature_not_supported using message = 'A conversation keeps its id and its owner.';
    else
        update slipway.conversations
        set title = new.title, metadata = coalesce(new.metadata, '{}')::text, last_message_at = coalesce(new.last_message_at, last_message_at),
            archived_at = case when new.is_archived then coalesce(archived_at, slipway.now()) end
        where tenant = tg_argv[0] and id = old.session_id;
    end if;
    return new;
end
$$;

-- A user adds what a user says. What the assistant said is the back end's to write: the model is shown it as its own words.
create or replace function slipway.compat_write_message() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
declare
    owner text := (select user_id from slipway.conversations where tenant = tg_argv[0] and id = new.session_id);
    message_id text := gen_random_uuid()::text;
begin
    if owner is null then
        raise foreign_key_violation using message = format('There is no conversation %L.', new.session_id);
    elsif not (slipway.compat_sees_all()
        or new.message ->> 'type' = 'human' and (slipway.compat_owns(tg_argv[0], owner) or slipway.compat_is_admin(tg_argv[0])))
    then
        raise insufficient_privilege using message = 'A user adds what the user says, to the user''s own conversation.';
    end if;
    insert into slipway.messages (tenant, conversation_id, id, role, format, content, created_at)
    values (tg_argv[0], new.session_id, message_id, case new.message ->> 'type' when 'human' then 'user' else 'assistant' end, 1,
        slipway.compat_content(new.message, message_id), coalesce(new.created_at, slipway.now()))
    returning sequence, created_at into new.id, new.created_at;
    update slipway.conversations set last_message_at = greatest(last_message_at, new.created_at)
    where tenant = tg_argv[0] and id = new.session_id;
    return new;
end
$$;

create or replace function slipway.compat_write_request() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    if not (slipway.compat_sees_all() or slipway.compat_is_admin(tg_argv[0])) then
        raise insufficient_privilege using message = 'Requests are noted by the back end.';
    end if;
    new.timestamp := coalesce(new.timestamp, slipway.now());
    insert into slipway.turns (id, tenant, user_id, status, started_at, finished_at)
    values (new.id::text, tg_argv[0], new.user_id::text, 'Completed', new.timestamp, new.timestamp);
    insert into slipway.turn_steps (turn_id, number, kind, status, data, started_at, finished_at)
    values (new.id::text, 0, 'request', 'Completed', to_json(new.user_query)::text, new.timestamp, new.timestamp);
    return new;
end
$$;

-- Profiles follow the accounts of the authentication schema, where there is one.
create or replace function slipway.compat_new_account() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    insert into slipway.users (tenant, id, email, created_at, updated_at)
    values (tg_argv[0], new.id::text, new.email, slipway.now(), slipway.now())
    on conflict do nothing;
    return new;
end
$$;

create or replace function slipway.compat_gone_account() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as
$$
begin
    delete from slipway.users where tenant = tg_argv[0] and id = old.id::text;
    return old;
end
$$;

-- Everything here is closed; the scripts that follow open what a view's reader needs.
do $$
declare
    made record;
    role text;
begin
    for made in select oid::regprocedure as name from pg_proc where pronamespace = 'slipway'::regnamespace and proname like 'compat\_%' loop
        if (select nspowner from pg_namespace where nspname = 'slipway') <> (select oid from pg_roles where rolname = current_user) then
            execute format('alter function %s owner to %I', made.name, (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'slipway'));
        end if;
        execute format('revoke all on function %s from public', made.name);
        foreach role in array array['anon', 'authenticated'] loop
            if to_regrole(role) is not null then
                execute format('revoke all on function %s from %I', made.name, role);
            end if;
        end loop;
    end loop;
end
$$;
