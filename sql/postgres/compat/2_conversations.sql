-- The older system's names, 2 of 3: users, requests, conversations and messages. Set-up as in sql/README.md. Re-runnable; drops nothing.

do $$
declare
    name text;
begin
    perform set_config('search_path', coalesce(nullif(current_setting('slipway.compat_schema', true), ''), 'public'), false);
    if to_regnamespace(current_setting('search_path')) is null then
        raise exception 'There is no schema %.', current_setting('search_path') using hint = 'Create it, or name another one in slipway.compat_schema.';
    end if;
    foreach name in array array['user_profiles', 'requests', 'conversations', 'messages'] loop
        if exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = name and relkind <> 'v') then
            raise exception '%.% is a table: the older system''s own, with its data.', current_schema(), name
                using hint = 'Move it first (alter table … set schema older), import it, and run this script again. Nothing was changed.';
        end if;
    end loop;
end
$$;

do $$
declare
    tenant text := coalesce(nullif(current_setting('slipway.compat_tenant', true), ''), 'default');
    owner text := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'slipway');
    view record;
    role text;
begin
    -- A view reads with its owner's rights, so each says itself whose rows it shows; as a barrier, so that no condition of a query
    -- looks at a row before that.
    execute format($sql$
        create or replace function is_admin() returns boolean language sql stable security definer set search_path = pg_catalog, pg_temp
        return slipway.compat_is_admin(%1$L);

        create or replace view user_profiles with (security_barrier) as
        select slipway.compat_uuid(id) as id, coalesce(email, '') as email, display_name as full_name, is_admin, created_at, updated_at
        from slipway.users
        where tenant = %1$L
            and (slipway.compat_owns(%1$L, users.id) or (select slipway.compat_sees_all()) or (select slipway.compat_is_admin(%1$L)));

        create or replace view conversations with (security_barrier) as
        select id::varchar as session_id, slipway.compat_uuid(user_id) as user_id, title::varchar as title, created_at, last_message_at,
            archived_at is not null as is_archived, slipway.compat_json(metadata) as metadata
        from slipway.conversations
        where tenant = %1$L
            and (slipway.compat_owns(%1$L, user_id) or (select slipway.compat_sees_all()) or (select slipway.compat_is_admin(%1$L)));

        -- What tools said is left out, as the older system never had it here.
        create or replace view messages with (security_barrier) as
        select m.sequence::integer as id, slipway.compat_uuid(c.user_id) as computed_session_user_id, m.conversation_id::varchar as session_id,
            jsonb_strip_nulls(jsonb_build_object(
                'type', case m.role when 'user' then 'human' else 'ai' end,
                'content', coalesce(t.text, ''),
                'data', case when m.role = 'assistant' and m.turn_id is not null
                    then jsonb_strip_nulls(jsonb_build_object('request_id', m.turn_id, 'error', r.error)) end,
                'files', slipway.compat_files(m.content))) as message,
            null::text as message_data, m.created_at
        from slipway.messages m
        join slipway.conversations c on c.tenant = m.tenant and c.id = m.conversation_id
        left join slipway.turns r on r.id = m.turn_id
        cross join lateral (select slipway.compat_text(m.content) as text) t
        where m.tenant = %1$L and m.superseded_at is null and (m.role = 'user' or m.role = 'assistant' and t.text is not null)
            and (slipway.compat_owns(%1$L, c.user_id) or (select slipway.compat_sees_all()) or (select slipway.compat_is_admin(%1$L)));

        create or replace view requests with (security_barrier) as
        select slipway.compat_uuid(t.id) as id, slipway.compat_uuid(t.user_id) as user_id, t.started_at as "timestamp",
            coalesce(
                (select slipway.compat_text(m.content) from slipway.messages m
                    where m.tenant = t.tenant and m.conversation_id = t.conversation_id and m.turn_id = t.id and m.role = 'user'
                    order by m.sequence limit 1),
                (select slipway.compat_json(s.data) #>> '{}' from slipway.turn_steps s
                    where s.turn_id = t.id and s.number = 0 and s.kind = 'request'),
                '') as user_query
        from slipway.turns t
        where t.tenant = %1$L
            and (slipway.compat_owns(%1$L, t.user_id) or (select slipway.compat_sees_all()) or (select slipway.compat_is_admin(%1$L)));

        create or replace trigger write instead of insert or update on user_profiles
            for each row execute function slipway.compat_write_profile(%1$L);
        create or replace trigger write instead of insert or update on conversations
            for each row execute function slipway.compat_write_conversation(%1$L);
        create or replace trigger write instead of insert on messages for each row execute function slipway.compat_write_message(%1$L);
        create or replace trigger write instead of insert on requests for each row execute function slipway.compat_write_request(%1$L);
        $sql$, tenant);

    if owner <> current_user then
        execute format('alter function is_admin() owner to %I', owner);
    end if;
    -- Some installations give every new object of a schema to the browser's roles: take it back before giving what is meant.
    execute 'revoke all on function is_admin() from public';
    for view in
        select * from (values ('user_profiles', 'select, update'), ('conversations', 'select, insert, update'), ('messages', 'select, insert'),
            ('requests', 'select, insert')) as views (name, rights)
    loop
        if owner <> current_user then
            execute format('alter view %I owner to %I', view.name, owner);
        end if;
        execute format('revoke all on %I from public', view.name);
        foreach role in array array['anon', 'authenticated', 'service_role', 'slipway_app', 'slipway_background'] loop
            continue when to_regrole(role) is null;
            execute format('revoke all on %I from %I', view.name, role);
            execute format('revoke all on function is_admin() from %I', role);
            continue when role = 'anon';
            execute format('grant %s on %I to %I', view.rights || case when role in ('service_role', 'slipway_background') then ', insert' else '' end,
                view.name, role);
            execute format('grant execute on function is_admin() to %I', role);
            execute format('grant execute on function slipway.compat_sees_all(), slipway.compat_user(text), slipway.compat_is_admin(text),
                slipway.compat_owns(text, text), slipway.compat_uuid(text), slipway.compat_json(text), slipway.compat_text(text),
                slipway.compat_files(text) to %I', role);
        end loop;
    end loop;

    if to_regclass('auth.users') is not null then
        execute format('create or replace trigger on_auth_user_created after insert on auth.users
            for each row execute function slipway.compat_new_account(%L)', tenant);
        execute format('create or replace trigger on_auth_user_deleted after delete on auth.users
            for each row execute function slipway.compat_gone_account(%L)', tenant);
    end if;
end
$$;

reset search_path;
