-- Which model's vectors answer. Another model's are made beside them, and take over when no chunk lacks one.
alter table index_generations add column embedding_model text;
alter table index_generations add column embedding_gaps integer not null default 0;
