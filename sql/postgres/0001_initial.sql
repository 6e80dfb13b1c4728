-- Slipway on PostgreSQL, first migration: the tables. The same names and meanings as on SQLite. Re-runnable: it never drops or
-- overwrites anything. What is compared or put in order has collation "C", so that both engines order alike.

do $$
begin
    -- Not "create if not exists": that asks for the right to create even when there is nothing to do.
    if to_regnamespace('slipway') is null then
        create schema slipway;
    end if;
end
$$;

create extension if not exists vector;

-- What was applied. Each file notes itself, so it counts by hand as well; the application adds the file's hash.
create table if not exists slipway.schema_migrations (
    number         integer primary key,
    name           text not null,
    hash           text,
    oldest_program integer not null,       -- a program that does not know this migration cannot run on the schema any more
    applied_at     timestamptz not null
);

create table if not exists slipway.sources (
    tenant       text collate "C" not null,
    collection   text collate "C" not null,
    name         text collate "C" not null,
    cursor       text,
    created_at   timestamptz not null,
    last_run_at  timestamptz,
    primary key (tenant, collection, name)
);

-- One row per document that was ever listed and is not deleted. The key of a document is (tenant, collection, source, external_id);
-- id is a short name for it that survives a move.
create table if not exists slipway.documents (
    id                   text collate "C" primary key,
    tenant               text collate "C" not null,
    collection           text collate "C" not null,
    source               text collate "C" not null,
    external_id          text collate "C" not null,
    name                 text collate "C" not null,
    title                text collate "C" not null,
    media_type           text,
    uri                  text,
    state                text collate "C" not null check (state in ('pending', 'published', 'failed', 'quarantined', 'skipped')),
    version              integer not null default 0,
    size                 bigint,
    modified_at          timestamptz,
    modified_ticks       bigint,           -- the source's full precision, for equality only
    seen_at              timestamptz,
    content_hash         text collate "C", -- of the version that answers; null after a failed attempt
    blob_hash            text collate "C", -- what was pushed, for documents of the inbox
    pipeline_fingerprint text collate "C",
    owner                text collate "C", -- who has claimed it, until claimed_until
    fencing_token        bigint not null default 0,
    claimed_until        timestamptz,
    attempts             integer not null default 0,
    last_error           text,
    last_error_class     text,
    next_action_at       timestamptz,
    chunk_count          integer not null default 0,
    table_columns        text,             -- JSON array; null when not tabular
    metadata             text not null default '{}',   -- what the document says of itself
    source_metadata      text not null default '{}',   -- what its source says of it; wins
    created_at           timestamptz not null,
    updated_at           timestamptz not null,
    published_at         timestamptz,
    constraint documents_place unique (tenant, collection, source, external_id)
);

create index if not exists documents_by_name on slipway.documents (tenant, collection, name, id);
create index if not exists documents_due on slipway.documents (tenant, collection, next_action_at, id) where next_action_at is not null;
create index if not exists documents_held on slipway.documents (owner) where owner is not null;
create index if not exists documents_by_modified on slipway.documents (tenant, collection, modified_at);
create index if not exists documents_by_published on slipway.documents (tenant, collection, published_at);
create index if not exists documents_by_blob on slipway.documents (tenant, blob_hash) where blob_hash is not null;

-- Both kinds of metadata together, as filters compare them: bytes, doubles and integers, read from the text by the engine. Key and value are
-- UTF-8, or a byte 255 and the SHA-256 of it when it is long.
create table if not exists slipway.document_metadata (
    document_id text collate "C" not null references slipway.documents (id) on delete cascade,
    key         bytea not null,
    value       bytea not null,
    number      double precision,          -- if the value is a number
    instant     bigint,                    -- if the value is a time: Unix milliseconds
    tenant      text collate "C" not null,
    collection  text collate "C" not null,
    primary key (document_id, key)
);

create index if not exists document_metadata_by_value on slipway.document_metadata (tenant, collection, key, value);
create index if not exists document_metadata_by_number on slipway.document_metadata (tenant, collection, key, number)
    where number is not null;
create index if not exists document_metadata_by_instant on slipway.document_metadata (tenant, collection, key, instant)
    where instant is not null;

-- Who may read a document; no row means everyone in its tenant.
create table if not exists slipway.document_principals (
    document_id text collate "C" not null references slipway.documents (id) on delete cascade,
    principal   text collate "C" not null,
    primary key (document_id, principal)
);

create table if not exists slipway.document_versions (
    document_id          text collate "C" not null references slipway.documents (id) on delete cascade,
    version              integer not null,
    content_hash         text collate "C" not null,
    size                 bigint not null,
    pipeline_fingerprint text collate "C" not null,
    text_length          integer not null,
    chunk_count          integer not null,
    published_at         timestamptz not null,
    superseded_at        timestamptz,
    primary key (document_id, version)
);

-- The current version's chunks. Their ranges cover the document's text, so the text is not stored a second time.
create table if not exists slipway.chunks (
    id              bigint generated by default as identity primary key,
    document_id     text collate "C" not null references slipway.documents (id) on delete cascade,
    ordinal         integer not null,
    version         integer not null,
    start_offset    integer not null,      -- UTF-16 code units of the document's text
    end_offset      integer not null,
    headings        text,                  -- JSON array; null when there are none
    repeated_header text,
    text            text not null,
    content_hash    text collate "C" not null, -- SHA-256 of the embedding input
    unique (document_id, ordinal)
);

create index if not exists chunks_by_content_hash on slipway.chunks (content_hash);

-- By content and model: shared by all documents of the database, kept when a document moves or comes back. The vector has no
-- dimension here, so that several models stand side by side; an index is made for each model.
create table if not exists slipway.embeddings (
    content_hash text collate "C" not null,
    model        text collate "C" not null, -- the model's fingerprint
    dimensions   integer not null,
    vector       vector not null,
    created_at   timestamptz not null,
    primary key (content_hash, model)
);

-- The dimension that a model began with; vectors of another one are refused. The index of a model's vectors is no part of the
-- migrations: it is built when there are enough of them (PostgresVectorIndex), or by hand (README.md).
create table if not exists slipway.embedding_models (
    model      text collate "C" primary key,
    dimensions integer not null,
    created_at timestamptz not null
);

create table if not exists slipway.document_rows (
    id          bigint generated by default as identity primary key,
    document_id text collate "C" not null references slipway.documents (id) on delete cascade,
    table_name  text collate "C" not null,
    row_number  integer not null,
    row_data    text not null              -- JSON object by column, in the table's own order
);

create index if not exists document_rows_by_document on slipway.document_rows (document_id, row_number);

create table if not exists slipway.blobs (
    tenant     text collate "C" not null,
    hash       text collate "C" not null,  -- SHA-256 of the bytes
    length     bigint not null,
    content    bytea not null,
    created_at timestamptz not null,
    primary key (tenant, hash)
);

alter table slipway.blobs alter column content set storage external; -- mostly compressed already

-- A search index: one per collection and generation. The analyser and the bucket size are fixed when it is made.
create table if not exists slipway.index_generations (
    id          bigint generated by default as identity primary key,
    tenant      text collate "C" not null,
    collection  text collate "C" not null,
    generation  integer not null,
    state       text collate "C" not null check (state in ('building', 'live', 'retired')),
    analyzer    text not null,
    bucket_size integer not null,
    revision    bigint not null default 0,   -- rises with every publish and delete on SQLite only: here all writers would queue for it
    merges      bigint not null default 0,   -- rises by one with every merge
    created_at  timestamptz not null,
    unique (tenant, collection, generation)
);

create table if not exists slipway.lexical_postings (
    index_id bigint not null,
    term     bigint not null,              -- xxHash64 of the term's UTF-8
    bucket   integer not null,
    count    integer not null,
    data     bytea not null,
    primary key (index_id, term, bucket)
) with (
    fillfactor = 85, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);

create table if not exists slipway.lexical_buckets (
    index_id  bigint not null,
    bucket    integer not null,
    revision  bigint not null,
    lengths   bytea not null,              -- 2 bytes a slot; 65535 where no chunk stands
    documents bytea not null,              -- whose chunks stand in which slots
    primary key (index_id, bucket)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

-- What is merged now: where a document's chunks stand in the buckets, and what they contain, so that removing it needs no old text.
create table if not exists slipway.lexical_documents (
    index_id    bigint not null,
    document_id text collate "C" not null,
    slots       bytea not null,
    postings    bytea not null,
    primary key (index_id, document_id)
);

-- What was published or deleted since the last merge. An id is never used again: it names its content in every process's memory.
create table if not exists slipway.lexical_deltas (
    id          bigint generated by default as identity primary key,
    index_id    bigint not null,
    document_id text collate "C" not null,
    postings    bytea,                     -- null: deleted
    unique (index_id, document_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05);

alter table slipway.lexical_postings alter column data set storage external;
alter table slipway.lexical_buckets alter column lengths set storage external, alter column documents set storage external;
alter table slipway.lexical_documents alter column slots set storage external, alter column postings set storage external;
alter table slipway.lexical_deltas alter column postings set storage external;

-- Which document changed at which revision, so that another process can refresh its vectors.
create table if not exists slipway.index_changes (
    index_id    bigint not null,
    revision    bigint not null,
    document_id text collate "C" not null,
    primary key (index_id, revision)
);

create table if not exists slipway.ingestion_runs (
    id          bigint generated by default as identity primary key,
    tenant      text collate "C" not null,
    collection  text collate "C" not null,
    source      text collate "C" not null,
    started_at  timestamptz not null,
    finished_at timestamptz,
    report      text
);

create table if not exists slipway.ingestion_attempts (
    id          bigint generated by default as identity primary key,
    document_id text collate "C" not null references slipway.documents (id) on delete cascade,
    started_at  timestamptz not null,
    duration_ms bigint not null,
    outcome     text not null,
    error_class text,
    error       text
);

create index if not exists ingestion_attempts_by_document on slipway.ingestion_attempts (document_id, id);

create table if not exists slipway.leases (
    name          text collate "C" primary key,
    owner         text collate "C",
    fencing_token bigint not null default 0,
    expires_at    timestamptz
);

-- Which store this one was copied from. While a copy is unfinished, only it may go on.
create table if not exists slipway.store_copies (
    source      text collate "C" primary key,
    started_at  timestamptz not null,
    finished_at timestamptz
);

-- Tokens of claims on documents: none is given twice, also not after the document was deleted and came back.
create sequence if not exists slipway.fencing_tokens;

-- Who holds what. What has expired stands here until it is taken or finished.
create or replace view slipway.holders as
select 'lease' as kind, name as id, null as tenant, null as collection, name, owner, fencing_token, expires_at
from slipway.leases where owner is not null
union all
select 'document', id, tenant, collection, name, owner, fencing_token, claimed_until
from slipway.documents where owner is not null;

create table if not exists slipway.users (
    tenant       text collate "C" not null,
    id           text collate "C" not null,
    email        text,
    display_name text,
    is_admin     boolean not null default false,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    primary key (tenant, id)
);

create table if not exists slipway.api_keys (
    id           text collate "C" primary key,
    tenant       text collate "C" not null,
    user_id      text collate "C" not null,
    name         text not null,
    hash         text collate "C" not null unique,
    scopes       text not null default '[]',
    created_at   timestamptz not null,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- The id is text that the client may mint; it is bound to its owner when it is first used.
create table if not exists slipway.conversations (
    tenant          text collate "C" not null,
    id              text collate "C" not null,
    user_id         text collate "C" not null,
    title           text,
    metadata        text not null default '{}',
    created_at      timestamptz not null,
    last_message_at timestamptz not null,
    archived_at     timestamptz,
    primary key (tenant, id)
);

create index if not exists conversations_by_user on slipway.conversations (tenant, user_id, last_message_at);

-- The content is text, not jsonb, which would reorder the members of an object and so move its type discriminator.
create table if not exists slipway.messages (
    sequence        bigint generated by default as identity primary key,
    tenant          text collate "C" not null,
    conversation_id text collate "C" not null,
    id              text collate "C" not null,
    turn_id         text collate "C",
    role            text collate "C" not null,
    format          integer not null,      -- version of the JSON in content
    content         text not null,
    created_at      timestamptz not null,
    superseded_at   timestamptz,
    unique (tenant, conversation_id, id),
    foreign key (tenant, conversation_id) references slipway.conversations (tenant, id) on delete cascade
);

create index if not exists messages_by_conversation on slipway.messages (tenant, conversation_id, sequence);

create table if not exists slipway.turns (
    id              text collate "C" primary key,
    tenant          text collate "C" not null,
    conversation_id text collate "C",
    user_id         text collate "C" not null,
    status          text collate "C" not null,
    finish_reason   text,
    error_class     text,
    error           text,
    input_tokens    bigint,
    output_tokens   bigint,
    owner           text collate "C",     -- the process that runs it: host/process id/start of the process
    fencing_token   bigint not null default 0,
    idempotency_key text collate "C",
    started_at      timestamptz not null,
    finished_at     timestamptz,
    foreign key (tenant, conversation_id) references slipway.conversations (tenant, id) on delete cascade
);

create index if not exists turns_by_conversation on slipway.turns (tenant, conversation_id, started_at);
create index if not exists turns_by_user on slipway.turns (tenant, user_id, started_at);
create index if not exists turns_running on slipway.turns (owner) where status = 'Running';

create table if not exists slipway.turn_steps (
    turn_id     text collate "C" not null references slipway.turns (id) on delete cascade,
    number      integer not null,
    kind        text not null,
    name        text,
    call_id     text collate "C",
    status      text collate "C" not null,
    data        text,
    started_at  timestamptz not null,
    finished_at timestamptz,
    primary key (turn_id, number)
);

create table if not exists slipway.turn_events (
    turn_id    text collate "C" not null references slipway.turns (id) on delete cascade,
    sequence   bigint not null,
    data       text not null,
    created_at timestamptz not null,
    primary key (turn_id, sequence)
);

create table if not exists slipway.memories (
    id         text collate "C" primary key,
    tenant     text collate "C" not null,
    user_id    text collate "C" not null,
    text       text not null,
    hash       text collate "C" not null,
    vector     vector,
    model      text collate "C",
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index if not exists memories_by_user on slipway.memories (tenant, user_id);

create table if not exists slipway.usage (
    id            bigint generated by default as identity primary key,
    tenant        text collate "C" not null,
    user_id       text collate "C" not null,
    turn_id       text collate "C",
    kind          text not null,           -- chat, embedding
    model         text,
    input_tokens  bigint not null default 0,
    output_tokens bigint not null default 0,
    created_at    timestamptz not null
);

create index if not exists usage_by_user on slipway.usage (tenant, user_id, created_at);

insert into slipway.schema_migrations (number, name, oldest_program, applied_at) values (1, 'initial', 1, now())
on conflict do nothing;
