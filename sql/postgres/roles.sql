-- The three roles of Slipway, for a DBA. Run it in Slipway's database as a superuser or as the database's owner with CREATEROLE:
--
--   psql -v ON_ERROR_STOP=1 -d slipway -f sql/postgres/roles.sql
--
-- They cannot log in. Make logins and put each into one of them:
--
--   create role api_1 login password '…' in role slipway_app;
--
--   slipway_owner       owns the schema and migrates it; a login of the deployment, not of the running application
--   slipway_app         works: reads and writes rows, changes no schema; row-level security shows it one user's rows at a time
--   slipway_background  works for everybody: workers, retention, erasing; sees every row
--
-- Re-runnable, before or after the migrations.

do $$
declare
    role text;
begin
    foreach role in array array['slipway_owner', 'slipway_app', 'slipway_background'] loop
        if to_regrole(role) is null then
            begin
                execute format('create role %I nologin', role);
            exception when duplicate_object or unique_violation then
                null; -- made by another database's script at this moment
            end;
        end if;
    end loop;
end
$$;

-- Whoever migrates may also work, bound by row-level security: one login is enough for a small installation.
grant slipway_app to slipway_owner;

create extension if not exists vector;

do $$
begin
    if to_regnamespace('slipway') is null then
        create schema slipway authorization slipway_owner;
    end if;
    if to_regproc('slipway.grant_roles') is not null then
        call slipway.grant_roles();
    end if;
end
$$;
