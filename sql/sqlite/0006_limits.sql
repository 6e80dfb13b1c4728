-- What users may still use. Money is in billionths of the currency that the prices are in.

-- What was used by day; a day begins at midnight UTC.
create table if not exists usage_days (
    tenant  text not null,
    user_id text not null,
    day     integer not null,
    tokens  integer not null default 0,
    cost    integer not null default 0,
    primary key (tenant, user_id, day)
) without rowid;

-- A turn from its admission on: what it may use at most, and what it has used, which is in its day already. A row stays as long as it
-- counts as a request.
create table if not exists turn_reservations (
    turn_id     text primary key,
    tenant      text not null,
    user_id     text not null,
    day         integer not null,
    tokens      integer not null,
    cost        integer not null,
    used_tokens integer not null default 0,
    used_cost   integer not null default 0,
    admitted_at integer not null,
    expires_at  integer not null,
    settled_at  integer
);

create index if not exists turn_reservations_by_user on turn_reservations (tenant, user_id, admitted_at);

alter table usage add column cached_input_tokens integer;
alter table usage add column cost integer;
-- Of kind tool: which one was called.
alter table usage add column tool text;
