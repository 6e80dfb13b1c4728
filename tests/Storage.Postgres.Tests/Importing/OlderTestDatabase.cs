namespace Slipway.Storage.Postgres.Tests.Importing;

/// <summary>A database as the older system left it: its eight tables, ordinary rows, and odd ones that it really had.</summary>
internal static class OlderTestDatabase
{
    public const string Ada = "11111111-1111-4111-8111-111111111111";
    public const string Bob = "22222222-2222-4222-8222-222222222222";
    public const string Talk = Ada + "~abcdefghij";
    public const string Failure = Bob + "~0123456789";
    public const string Asked = "aaaaaaaa-0000-4000-8000-000000000001";
    public const string Failed = "aaaaaaaa-0000-4000-8000-000000000002";
    public const string Untold = "aaaaaaaa-0000-4000-8000-000000000003";

    private const string Tables = """
        create schema older;
        set search_path = older, public;
        create table user_profiles (
            id uuid primary key, email text not null, full_name text, is_admin boolean default false,
            created_at timestamptz not null default now(), updated_at timestamptz not null default now());
        create table requests (
            id uuid primary key, user_id uuid not null references user_profiles on delete cascade, "timestamp" timestamptz default now(),
            user_query text not null);
        create table conversations (
            session_id varchar primary key, user_id uuid not null references user_profiles on delete cascade, title varchar,
            created_at timestamptz default now(), last_message_at timestamptz default now(), is_archived boolean default false,
            metadata jsonb default '{}');
        -- Without the reference to conversations, so that a message can be an orphan.
        create table messages (
            id integer generated always as identity primary key,
            computed_session_user_id uuid generated always as (split_part(session_id, '~', 1)::uuid) stored,
            session_id varchar not null, message jsonb not null, message_data text, created_at timestamptz default now());
        create table document_metadata (id text primary key, title text, url text, created_at timestamp default now(), schema text);
        create table document_rows (id serial primary key, dataset_id text references document_metadata, row_data jsonb);
        create table documents (id bigserial primary key, content text, metadata jsonb, embedding vector(3));
        create table rag_pipeline_state (
            pipeline_id text primary key, pipeline_type text not null, last_check_time timestamp, known_files jsonb, last_run timestamp,
            created_at timestamp default now(), updated_at timestamp default now());
        """;

    private const string Rows = $$$"""
        set search_path = older, public;
        insert into user_profiles values
            ('{{{Ada}}}', 'ada@example.org', 'Ada', true, '2025-01-01', '2025-02-01'), ('{{{Bob}}}', 'bob@example.org', null, null, '2025-01-02', '2025-01-02');
        insert into conversations values
            ('{{{Talk}}}', '{{{Ada}}}', 'A talk', '2025-03-01', '2025-03-01', false, '{"a": 1}'),
            ('{{{Failure}}}', '{{{Bob}}}', null, null, null, true, null);
        insert into requests values
            ('{{{Asked}}}', '{{{Ada}}}', '2025-03-01 10:00', 'How many sails?'), ('{{{Failed}}}', '{{{Bob}}}', '2025-03-02 10:00', 'Anyone?'),
            ('{{{Untold}}}', '{{{Bob}}}', null, 'Lost "question"');
        insert into messages (session_id, message, message_data, created_at) values
            ('{{{Talk}}}', '{"type":"human","content":"How many sails?","files":[{"fileName":"a.txt","content":"aGVsbG8=","mimeType":"text/plain"},{"fileName":"bad","content":"%%%","mimeType":""},"odd"]}', null, '2025-03-01 10:00'),
            ('{{{Talk}}}', '{"type":"ai","content":"Three.","data":{"request_id":"{{{Asked}}}"}}', '[{"parts":[{"content":"NUL \u0000 here","part_kind":"text"}],"kind":"response"}]', '2025-03-01 10:01'),
            ('{{{Failure}}}', '{"type":"human","content":"Anyone?"}', null, '2025-03-02 10:00'),
            ('{{{Failure}}}', '{"type":"ai","content":"Sorry.","data":{"request_id":"{{{Failed}}}","error":"It broke"}}', null, '2025-03-02 10:01'),
            ('{{{Failure}}}', '{"type":"human","content":{"rich":[1]}}', 'not JSON', null),
            ('{{{Failure}}}', '{"type":"system","content":"x"}', null, null), ('{{{Failure}}}', '"text"', null, null),
            ('{{{Bob}}}~orphan', '{"type":"human","content":"lost"}', null, null);
        insert into document_metadata (id, title, url, schema) values
            ('/data/docs/guide.md', 'guide', 'file:///data/docs/guide.md', null), ('/data/docs/sub/stock.csv', null, null, '["part", "count"]'),
            ('empty', 'Empty', null, null), ('rows', 'Only rows', null, 'not JSON'), ('/elsewhere/x.md', 'x', null, null);
        insert into documents (content, metadata, embedding) values
            ('A guide to sails and ', '{"file_id":"/data/docs/guide.md","chunk_index":0,"file_title":"guide","mime_type":"text/markdown","team":"blue","file_contents":"c2VjcmV0"}', '[1,0,0]'),
            ('an old keel', '{"file_id":"/data/docs/guide.md","chunk_index":1,"mime_type":"text/markdown"}', '[0,1,0]'),
            ('a new keel', '{"file_id":"/data/docs/guide.md","chunk_index":1,"mime_type":"text/markdown"}', '[0,0,1]'),
            (' with masts', '{"file_id":"/data/docs/guide.md","chunk_index":2}', null),
            ('part,count', '{"file_id":"/data/docs/sub/stock.csv","chunk_index":0,"mime_type":"text/csv"}', '[0,0,0]'),
            ('a chunk of nobody', null, '[1,1,0]'), ('another one', '[1]', null), (null, '{"file_id":"gone"}', null),
            ('no number', '{"file_id":"/elsewhere/x.md","chunk_index":"first"}', '[1,0,1]'), ('nor this', '{"file_id":"/elsewhere/x.md"}', '[1,0,1]');
        insert into document_rows (dataset_id, row_data) values
            ('/data/docs/sub/stock.csv', '{"count":"2","part":"mast"}'), ('/data/docs/sub/stock.csv', '{"count":"3","part":"boom","extra":7}'),
            ('rows', '{"k":null}'), (null, '{"k":"v"}'), ('rows', null);
        insert into rag_pipeline_state values ('prod', 'local_files', '2025-04-01', '{"/data/docs/guide.md":"2025-04-01T00:00:00"}', '2025-04-02', '2025-01-01');
        """;

    /// <summary>The older system in the schema <c>older</c> of a database.</summary>
    public static async Task FillAsync(PostgresTestDatabase database)
    {
        await database.ExecuteAsync("create extension if not exists vector");
        await database.ExecuteAsync(Tables);
        await database.ExecuteAsync(Rows);
    }
}
