-- Turns that outlive the process that runs them. Whoever runs one holds it until lease_expires_at, by slipway_now(), and writes under
-- its fencing token. The request says who asked and how, for whoever takes the turn over; null where only its first owner can run it.
alter table turns add column lease_expires_at integer;
alter table turns add column stop_requested_at integer;
alter table turns add column request text;
alter table turns add column request_hash text;

-- One turn at a time in a conversation. Turns of the release before have no token and are not counted.
create unique index if not exists turns_one_running on turns (tenant, conversation_id) where status = 'Running' and fencing_token > 0;
create unique index if not exists turns_by_key on turns (tenant, user_id, idempotency_key) where idempotency_key is not null;
create index if not exists turns_ended on turns (finished_at) where finished_at is not null;
