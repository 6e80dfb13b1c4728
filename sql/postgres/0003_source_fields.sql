-- What the source itself says of a document's type and title. A worker that claims it must not take for that what an earlier version was
-- found to be. Re-runnable.
alter table slipway.documents add column if not exists source_media_type text;
alter table slipway.documents add column if not exists source_title text;

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (3, 'source_fields', 1, now())
on conflict do nothing;
