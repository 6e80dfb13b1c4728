-- Slipway on SQLite, first migration. Times are Unix milliseconds, UTC. Re-runnable: it never drops or overwrites anything.

create table if not exists sources (
    tenant       text not null,
    collection   text not null,
    name         text not null,
    cursor       text,
    created_at   integer not null,
    last_run_at  integer,
    primary key (tenant, collection, name)
) without rowid;

-- One row per document that was ever listed and is not deleted. The key of a document is (tenant, collection, source, external_id);
-- id is a short name for it that survives a move.
create table if not exists documents (
    id                   text primary key not null,
    tenant               text not null,
    collection           text not null,
    source               text not null,
    external_id          text not null,
    name                 text not null,
    title                text not null,
    media_type           text,
    uri                  text,
    state                text not null check (state in ('pending', 'published', 'failed', 'quarantined', 'skipped')),
    version              integer not null default 0,
    size                 integer,
    modified_at          integer,
    modified_ticks       integer,          -- the source's full precision, for equality only
    seen_at              integer,
    content_hash         text,             -- of the version that answers; null after a failed attempt
    blob_hash            text,             -- what was pushed, for documents of the inbox
    pipeline_fingerprint text,
    owner                text,             -- who has claimed it, until claimed_until
    fencing_token        integer not null default 0,
    claimed_until        integer,
    attempts             integer not null default 0,
    last_error           text,
    last_error_class     text,
    next_action_at       integer,
    chunk_count          integer not null default 0,
    table_columns        text,             -- JSON array; null when not tabular
    metadata             text not null default '{}',   -- what the document says of itself
    source_metadata      text not null default '{}',   -- what its source says of it; wins
    created_at           integer not null,
    updated_at           integer not null,
    published_at         integer,
    unique (tenant, collection, source, external_id)
) without rowid;

create index if not exists documents_by_name on documents (tenant, collection, name, id);
create index if not exists documents_due on documents (tenant, collection, next_action_at, id) where next_action_at is not null;
create index if not exists documents_held on documents (owner) where owner is not null;
create index if not exists documents_by_modified on documents (tenant, collection, modified_at);
create index if not exists documents_by_published on documents (tenant, collection, published_at);

-- Both kinds of metadata together, as filters compare them: bytes, doubles and integers, read from the text by the engine. Key and value are
-- UTF-8, or a byte 255 and the SHA-256 of it when it is long.
create table if not exists document_metadata (
    document_id text not null references documents (id) on delete cascade,
    key         blob not null,
    value       blob not null,
    number      real,                      -- if the value is a number
    instant     integer,                   -- if the value is a time
    tenant      text not null,
    collection  text not null,
    primary key (document_id, key)
) without rowid;

create index if not exists document_metadata_by_value on document_metadata (tenant, collection, key, value);
create index if not exists document_metadata_by_number on document_metadata (tenant, collection, key, number) where number is not null;
create index if not exists document_metadata_by_instant on document_metadata (tenant, collection, key, instant) where instant is not null;

-- Who may read a document; no row means everyone in its tenant.
create table if not exists document_principals (
    document_id text not null references documents (id) on delete cascade,
    principal   text not null,
    primary key (document_id, principal)
) without rowid;

create table if not exists document_versions (
    document_id          text not null references documents (id) on delete cascade,
    version              integer not null,
    content_hash         text not null,
    size                 integer not null,
    pipeline_fingerprint text not null,
    text_length          integer not null,
    chunk_count          integer not null,
    published_at         integer not null,
    superseded_at        integer,
    primary key (document_id, version)
) without rowid;

-- The current version's chunks. Their ranges cover the document's text, so the text is not stored a second time.
create table if not exists chunks (
    id              integer primary key,
    document_id     text not null references documents (id) on delete cascade,
    ordinal         integer not null,
    version         integer not null,
    start_offset    integer not null,      -- UTF-16 code units of the document's text
    end_offset      integer not null,
    headings        text,                  -- JSON array; null when there are none
    repeated_header text,
    text            text not null,
    content_hash    text not null,         -- SHA-256 of the embedding input
    unique (document_id, ordinal)
);

create index if not exists chunks_by_content_hash on chunks (content_hash);

-- By content and model: shared by all documents of the database, kept when a document moves or comes back.
create table if not exists embeddings (
    content_hash text not null,
    model        text not null,            -- the model's fingerprint
    dimensions   integer not null,
    vector       blob not null,            -- float32, little endian
    created_at   integer not null,
    primary key (content_hash, model)
);

create table if not exists document_rows (
    id          integer primary key,
    document_id text not null references documents (id) on delete cascade,
    table_name  text not null,
    row_number  integer not null,
    row_data    text not null              -- JSON object by column
);

create index if not exists document_rows_by_document on document_rows (document_id, row_number);

create table if not exists blobs (
    tenant     text not null,
    hash       text not null,              -- SHA-256 of the bytes
    length     integer not null,
    content    blob not null,
    created_at integer not null,
    primary key (tenant, hash)
);

-- A search index: one per collection and generation. The analyser and the bucket size are fixed when it is made.
create table if not exists index_generations (
    id          integer primary key autoincrement,
    tenant      text not null,
    collection  text not null,
    generation  integer not null,
    state       text not null check (state in ('building', 'live', 'retired')),
    analyzer    text not null,
    bucket_size integer not null,
    revision    integer not null default 0,   -- rises by one with every publish and delete
    merges      integer not null default 0,   -- rises by one with every merge
    created_at  integer not null,
    unique (tenant, collection, generation)
);

create table if not exists lexical_postings (
    index_id integer not null,
    term     integer not null,             -- xxHash64 of the term's UTF-8
    bucket   integer not null,
    count    integer not null,
    data     blob not null,
    primary key (index_id, term, bucket)
) without rowid;

create table if not exists lexical_buckets (
    index_id  integer not null,
    bucket    integer not null,
    revision  integer not null,
    lengths   blob not null,               -- 2 bytes a slot; 65535 where no chunk stands
    documents blob not null,               -- whose chunks stand in which slots
    primary key (index_id, bucket)
);

-- What is merged now: where a document's chunks stand in the buckets, and what they contain, so that removing it needs no old text.
create table if not exists lexical_documents (
    index_id    integer not null,
    document_id text not null,
    slots       blob not null,
    postings    blob not null,
    primary key (index_id, document_id)
);

-- What was published or deleted since the last merge. An id is never used again: it names its content in every process's memory.
create table if not exists lexical_deltas (
    id          integer primary key autoincrement,
    index_id    integer not null,
    document_id text not null,
    postings    blob,                      -- null: deleted
    unique (index_id, document_id)
);

-- Which document changed at which revision, so that another process can refresh its vectors.
create table if not exists index_changes (
    index_id    integer not null,
    revision    integer not null,
    document_id text not null,
    primary key (index_id, revision)
) without rowid;

create table if not exists ingestion_runs (
    id          integer primary key,
    tenant      text not null,
    collection  text not null,
    source      text not null,
    started_at  integer not null,
    finished_at integer,
    report      text
);

create table if not exists ingestion_attempts (
    id          integer primary key,
    document_id text not null references documents (id) on delete cascade,
    started_at  integer not null,
    duration_ms integer not null,
    outcome     text not null,
    error_class text,
    error       text
);

create index if not exists ingestion_attempts_by_document on ingestion_attempts (document_id, id);

create table if not exists leases (
    name          text primary key not null,
    owner         text,
    fencing_token integer not null default 0,
    expires_at    integer
) without rowid;

-- Which store this one was copied from. While a copy is unfinished, only it may go on.
create table if not exists store_copies (
    source      text primary key not null,
    started_at  integer not null,
    finished_at integer
) without rowid;

-- The last token that a claim on a document was given: none is given twice, also not after the document was deleted and came back.
create table if not exists fencing_tokens (
    id   integer primary key check (id = 1),
    last integer not null
);

insert or ignore into fencing_tokens (id, last) values (1, 0);

-- Who holds what. What has expired stands here until it is taken or finished.
create view if not exists holders as
select 'lease' as kind, name as id, null as tenant, null as collection, name, owner, fencing_token, expires_at
from leases where owner is not null
union all
select 'document', id, tenant, collection, name, owner, fencing_token, claimed_until
from documents where owner is not null;

create table if not exists users (
    tenant       text not null,
    id           text not null,
    email        text,
    display_name text,
    is_admin     integer not null default 0,
    created_at   integer not null,
    updated_at   integer not null,
    primary key (tenant, id)
) without rowid;

create table if not exists api_keys (
    id           text primary key not null,
    tenant       text not null,
    user_id      text not null,
    name         text not null,
    hash         text not null unique,
    scopes       text not null default '[]',
    created_at   integer not null,
    expires_at   integer,
    last_used_at integer,
    revoked_at   integer
) without rowid;

-- The id is text that the client may mint; it is bound to its owner when it is first used.
create table if not exists conversations (
    tenant          text not null,
    id              text not null,
    user_id         text not null,
    title           text,
    metadata        text not null default '{}',
    created_at      integer not null,
    last_message_at integer not null,
    archived_at     integer,
    primary key (tenant, id)
) without rowid;

create index if not exists conversations_by_user on conversations (tenant, user_id, last_message_at);

create table if not exists messages (
    sequence        integer primary key autoincrement,
    tenant          text not null,
    conversation_id text not null,
    id              text not null,
    turn_id         text,
    role            text not null,
    format          integer not null,      -- version of the JSON in content
    content         text not null,
    created_at      integer not null,
    superseded_at   integer,
    unique (tenant, conversation_id, id),
    foreign key (tenant, conversation_id) references conversations (tenant, id) on delete cascade
);

create index if not exists messages_by_conversation on messages (tenant, conversation_id);

create table if not exists turns (
    id              text primary key not null,
    tenant          text not null,
    conversation_id text,
    user_id         text not null,
    status          text not null,
    finish_reason   text,
    error_class     text,
    error           text,
    input_tokens    integer,
    output_tokens   integer,
    owner           text,                 -- the process that runs it: host/process id/start of the process
    fencing_token   integer not null default 0,
    idempotency_key text,
    started_at      integer not null,
    finished_at     integer,
    foreign key (tenant, conversation_id) references conversations (tenant, id) on delete cascade
) without rowid;

create index if not exists turns_by_conversation on turns (tenant, conversation_id, started_at);
create index if not exists turns_by_user on turns (tenant, user_id, started_at);
create index if not exists turns_running on turns (owner) where status = 'Running';

create table if not exists turn_steps (
    turn_id     text not null references turns (id) on delete cascade,
    number      integer not null,
    kind        text not null,
    name        text,
    call_id     text,
    status      text not null,
    data        text,
    started_at  integer not null,
    finished_at integer,
    primary key (turn_id, number)
) without rowid;

create table if not exists turn_events (
    turn_id    text not null references turns (id) on delete cascade,
    sequence   integer not null,
    data       text not null,
    created_at integer not null,
    primary key (turn_id, sequence)
) without rowid;

create table if not exists memories (
    id         text primary key not null,
    tenant     text not null,
    user_id    text not null,
    text       text not null,
    hash       text not null,
    vector     blob,
    model      text,
    created_at integer not null,
    updated_at integer not null
) without rowid;

create index if not exists memories_by_user on memories (tenant, user_id);

create table if not exists usage (
    id            integer primary key,
    tenant        text not null,
    user_id       text not null,
    turn_id       text,
    kind          text not null,           -- chat, embedding
    model         text,
    input_tokens  integer not null default 0,
    output_tokens integer not null default 0,
    created_at    integer not null
);

create index if not exists usage_by_user on usage (tenant, user_id, created_at);
