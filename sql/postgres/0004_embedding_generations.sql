-- Which model's vectors answer. Another model's are made beside them, and take over when no chunk lacks one. Re-runnable.
alter table slipway.index_generations add column if not exists embedding_model text collate "C";
alter table slipway.index_generations add column if not exists embedding_gaps boolean not null default false;

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (4, 'embedding_generations', 1, now())
on conflict do nothing;
