-- The title that was made of a document's name, as it was shown then: a title that still is that one follows the name when the document is
-- renamed. Null where source or document gave one, and for what an earlier release published, which says nothing of it. Re-runnable.
alter table slipway.documents add column if not exists derived_title text;

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (5, 'derived_title', 1, now())
on conflict do nothing;
