-- The older system's names, 3 of 3: documents, their rows and the pipelines' state. Read-only: a document is published whole, with its
-- search index, by the application alone. Set-up as in sql/README.md. Re-runnable; drops nothing.

do $$
declare
    name text;
begin
    perform set_config('search_path', coalesce(nullif(current_setting('slipway.compat_schema', true), ''), 'public'), false);
    foreach name in array array['document_metadata', 'document_rows', 'documents', 'rag_pipeline_state'] loop
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
    collection text := coalesce(nullif(current_setting('slipway.compat_collection', true), ''), 'default');
    dimensions integer := coalesce(nullif(current_setting('slipway.compat_dimensions', true), ''), '1536')::integer;
    model text := nullif(current_setting('slipway.compat_model', true), '');
    owner text := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'slipway');
    extension text := (select quote_ident(nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = 'vector');
    -- An index of the vector type reaches up to 2,000 dimensions.
    indexed text := format('%s.%s(%s)', extension, case when dimensions <= 2000 then 'vector' else 'halfvec' end, dimensions);
    -- Documents that only some may read are nobody's here: the older system knew no such thing, and its back ends show all they find.
    shown text := format(
        $sql$d.tenant = %L and d.collection = %L and d.version > 0
            and not exists (select from slipway.document_principals p where p.document_id = d.id)$sql$, tenant, collection);
    stranger text;
    object text;
    role text;
begin
    if exists (
        select from pg_attribute where attrelid = to_regclass('documents') and attname = 'embedding' and atttypmod <> dimensions)
    then
        raise exception 'The view documents was made for another number of dimensions than %.', dimensions
            using hint = 'Drop the view and run this script again: a view holds no data.';
    end if;

    execute format($sql$
        create or replace view document_metadata as
        select d.id::text as id, d.title::text as title, d.uri as url, d.created_at at time zone 'UTC' as created_at, d.table_columns as schema
        from slipway.documents d
        where %1$s;

        create or replace view document_rows as
        select r.id::integer as id, r.document_id::text as dataset_id, slipway.compat_json(r.row_data) as row_data
        from slipway.document_rows r
        join slipway.documents d on d.id = r.document_id
        where %1$s;

        create or replace view documents as
        select c.id, c.text as content, slipway.compat_metadata(d, c.ordinal) as metadata, e.vector::%5$s.vector(%3$s) as embedding
        from slipway.chunks c
        join slipway.documents d on d.id = c.document_id
        left join slipway.embeddings e on e.content_hash = c.content_hash and e.dimensions = %3$s
            and e.model = coalesce(%4$L, (select slipway.compat_model(%6$L, %7$L, %3$s)))
        where %1$s;

        -- A pipeline is a source; what it knows is the ledger of its documents.
        create or replace view rag_pipeline_state as
        select s.name::text as pipeline_id,
            case when s.name ilike '%%drive%%' then 'google_drive' else 'local_files' end as pipeline_type,
            s.last_run_at at time zone 'UTC' as last_check_time,
            coalesce(k.files, '{}') as known_files,
            s.last_run_at at time zone 'UTC' as last_run,
            s.created_at at time zone 'UTC' as created_at,
            greatest(s.created_at, s.last_run_at, k.updated_at) at time zone 'UTC' as updated_at
        from slipway.sources s
        cross join lateral (
            select jsonb_object_agg(d.external_id, to_char(coalesce(d.modified_at, d.created_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as files,
                max(d.updated_at) as updated_at
            from slipway.documents d
            where d.tenant = s.tenant and d.collection = s.collection and d.source = s.name
        ) k
        where s.tenant = %6$L and s.collection = %7$L;

        -- The condition on the model and the expression in "order by" are those of the model's index; the scan goes on until enough rows
        -- pass the filter.
        create or replace function match_documents(query_embedding %5$s.vector, match_count integer default null, filter jsonb default '{}')
        returns table (id bigint, content text, metadata jsonb, similarity double precision)
        language plpgsql stable security definer set search_path = pg_catalog, pg_temp set hnsw.iterative_scan = 'strict_order' as
        $body$
        begin
            if %5$s.vector_dims(query_embedding) <> %3$s then
                raise data_exception using message = format('The query has %%s dimensions; the documents have %3$s.', %5$s.vector_dims(query_embedding));
            end if;
            return query execute format(
                'select * from (
                    select c.id, c.text, slipway.compat_metadata(d, c.ordinal),
                        1 - ((e.vector::%2$s) operator(%5$s.<=>) ($1::%2$s)) as similarity
                    from slipway.embeddings e
                    join slipway.chunks c on c.content_hash = e.content_hash
                    join slipway.documents d on d.id = c.document_id
                    where e.model = %%L and e.dimensions = %3$s and %%s and %%s
                    order by (e.vector::%2$s) operator(%5$s.<=>) ($1::%2$s)
                    limit $2) nearest
                where similarity <> ''NaN''',
                coalesce(%4$L, slipway.compat_model(%6$L, %7$L, %3$s)),
                %8$L,
                case
                    when filter is null or filter = '{}' then 'true'
                    when jsonb_typeof(filter -> 'file_id') = 'string' then 'd.id = $3 ->> ''file_id'' and slipway.compat_metadata(d, c.ordinal) @> $3'
                    else 'slipway.compat_metadata(d, c.ordinal) @> $3'
                end)
            using query_embedding, match_count, filter;
        end
        $body$;
        $sql$, shown, indexed, dimensions, model, extension, tenant, collection, shown);

    foreach object in array array['document_metadata', 'document_rows', 'documents', 'rag_pipeline_state'] loop
        if owner <> current_user then
            execute format('alter view %I owner to %I', object, owner);
        end if;
        execute format('revoke all on %I from public', object);
    end loop;
    if owner <> current_user then
        execute format('alter function match_documents(%s.vector, integer, jsonb) owner to %I', extension, owner);
    end if;
    execute format('revoke all on function match_documents(%s.vector, integer, jsonb) from public', extension);
    foreach role in array array['anon', 'authenticated', 'service_role', 'slipway_app', 'slipway_background'] loop
        continue when to_regrole(role) is null;
        execute format('revoke all on document_metadata, document_rows, documents, rag_pipeline_state from %I', role);
        execute format('revoke all on function match_documents(%s.vector, integer, jsonb) from %I', extension, role);
        if role in ('service_role', 'slipway_background') then
            execute format('grant select on document_metadata, document_rows, documents, rag_pipeline_state to %I', role);
            execute format('grant execute on function match_documents(%s.vector, integer, jsonb) to %I', extension, role);
            execute format('grant execute on function slipway.compat_json(text), slipway.compat_metadata(slipway.documents, integer),
                slipway.compat_model(text, text, integer) to %I', role);
        end if;
    end loop;

    -- The older system's function that runs any text as SQL is not made here. One that is left from it is closed to browsers and strangers.
    for stranger in
        select p.oid::regprocedure::text from pg_proc p where pronamespace = current_schema()::regnamespace and proname = 'execute_custom_sql'
    loop
        execute format('revoke all on function %s from public', stranger);
        foreach role in array array['anon', 'authenticated'] loop
            if to_regrole(role) is not null then
                execute format('revoke all on function %s from %I', stranger, role);
            end if;
        end loop;
    end loop;
end
$$;

reset search_path;
