using System.Text.Json;
using Npgsql;
using Slipway.Agents.Conversations;

namespace Slipway.Storage.Postgres.Tests.Compat;

/// <summary>The older system's names over Slipway's tables, asked as its browsers, back ends and admins ask. Every test rolls back.</summary>
public sealed class CompatTests(SharedPostgresTestDatabase shared)
    : IClassFixture<SharedPostgresTestDatabase>,
        IAsyncLifetime
{
    private const string Ada = "11111111-1111-4111-8111-111111111111";
    private const string Eve = "22222222-2222-4222-8222-222222222222";
    private const string Admin = "33333333-3333-4333-8333-333333333333";
    private const string Service = "service_role";
    private const string Browser = "authenticated";
    private const string Anonymous = "anon";

    // No right, or a view that takes no such statement from anybody.
    private static readonly string?[] Closed =
    [
        PostgresErrorCodes.InsufficientPrivilege,
        PostgresErrorCodes.ObjectNotInPrerequisiteState,
    ];

    private PostgresTestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await shared.GetAsync(SeedAsync);

    public ValueTask DisposeAsync() => default;

    private static async Task SeedAsync(PostgresTestDatabase database)
    {
        await database.ExecuteAsync(
            $$"""
            create schema auth;
            create table auth.users (id uuid primary key, email text);
            create function public.execute_custom_sql(sql_query text) returns jsonb language plpgsql security definer
            as $f$ declare answer jsonb; begin execute sql_query into answer; return answer; end $f$;

            insert into slipway.users values
                ('default', '{{Ada}}', 'ada@example.org', 'Ada', false, '2026-01-01', '2026-01-01'),
                ('default', '{{Eve}}', 'eve@example.org', 'Eve', false, '2026-01-01', '2026-01-01'),
                ('default', '{{Admin}}', 'root@example.org', 'Root', true, '2026-01-01', '2026-01-01'),
                ('elsewhere', '{{Ada}}', 'ada@elsewhere.org', 'Ada', true, '2026-01-01', '2026-01-01');
            insert into slipway.conversations (tenant, id, user_id, title, created_at, last_message_at) values
                ('default', '{{Ada}}~aaaaaaaaaa', '{{Ada}}', 'A talk', '2026-01-02', '2026-01-02'),
                ('default', '{{Eve}}~eeeeeeeeee', '{{Eve}}', 'Eve''s', '2026-01-02', '2026-01-02'),
                ('elsewhere', 'other', '{{Ada}}', 'Elsewhere', '2026-01-02', '2026-01-02');
            insert into slipway.turns (id, tenant, conversation_id, user_id, status, started_at) values
                ('aaaaaaaa-0000-4000-8000-000000000001', 'default', '{{Ada}}~aaaaaaaaaa', '{{Ada}}', 'Completed', '2026-01-02'),
                ('not-a-uuid', 'default', '{{Eve}}~eeeeeeeeee', '{{Eve}}', 'Completed', '2026-01-02');
            insert into slipway.messages (tenant, conversation_id, id, turn_id, role, format, content, created_at, superseded_at) values
                ('default', '{{Ada}}~aaaaaaaaaa', '1', 'aaaaaaaa-0000-4000-8000-000000000001', 'user', 1,
                 '{"role":"user","contents":[{"$type":"text","text":"How \\u0000\u0000many?"},{"$type":"data","uri":"data:text/csv;base64,YSxi","name":"a.csv"}]}', '2026-01-02', null),
                ('default', '{{Ada}}~aaaaaaaaaa', '2', 'aaaaaaaa-0000-4000-8000-000000000001', 'assistant', 1,
                 '{"role":"assistant","contents":[{"$type":"functionCall","callId":"c","name":"search"}]}', '2026-01-02', null),
                ('default', '{{Ada}}~aaaaaaaaaa', '3', 'aaaaaaaa-0000-4000-8000-000000000001', 'tool', 1,
                 '{"role":"tool","contents":[{"$type":"functionResult","callId":"c","result":"x"}]}', '2026-01-02', null),
                ('default', '{{Ada}}~aaaaaaaaaa', '4', 'aaaaaaaa-0000-4000-8000-000000000001', 'assistant', 1,
                 '{"role":"assistant","contents":[{"$type":"text","text":"Fif"},{"$type":"text","text":"teen."}]}', '2026-01-02', '2026-01-03'),
                ('default', '{{Ada}}~aaaaaaaaaa', '5', 'aaaaaaaa-0000-4000-8000-000000000001', 'assistant', 1,
                 '{"role":"assistant","contents":[{"$type":"text","text":"Six"},{"$type":"text","text":"teen."}]}', '2026-01-03', null),
                ('default', '{{Eve}}~eeeeeeeeee', '1', 'not-a-uuid', 'user', 1, '{"role":"user","contents":[{"$type":"text","text":"hers"}]}', '2026-01-02', null);

            insert into slipway.sources values ('default', 'default', 'drive', null, '2026-01-01', '2026-01-05');
            insert into slipway.documents (id, tenant, collection, source, external_id, name, title, media_type, uri, state, version, metadata,
                source_metadata, table_columns, modified_at, created_at, updated_at) values
                ('doc1', 'default', 'default', 'drive', 'x1', 'a.md', 'A', 'text/markdown', 'https://a', 'published', 1, '{"lang":"en","file_id":"forged"}', '{"team":"blue"}', null, '2026-01-04', '2026-01-04', '2026-01-06'),
                ('doc2', 'default', 'default', 'drive', 'x2', 'b.csv', 'B', 'text/csv', null, 'published', 1, '{"lang":"de"}', '{}', '["n"]', null, '2026-01-04', '2026-01-04'),
                ('secret', 'default', 'default', 'drive', 'x3', 'c.md', 'C', 'text/markdown', null, 'published', 1, '{}', '{}', null, null, '2026-01-04', '2026-01-04'),
                ('far', 'default', 'other', 'drive', 'x1', 'd.md', 'D', 'text/markdown', null, 'published', 1, '{}', '{}', null, null, '2026-01-04', '2026-01-04'),
                ('new', 'default', 'default', 'drive', 'x4', 'e.md', 'E', null, null, 'pending', 0, '{}', '{}', null, null, '2026-01-04', '2026-01-04');
            insert into slipway.document_principals values ('secret', 'user:{{Ada}}');
            insert into slipway.chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash) values
                ('doc1', 0, 1, 0, 3, 'one', 'h1'), ('doc1', 1, 1, 3, 6, 'two', 'h2'), ('doc2', 0, 1, 0, 5, 'three', 'h3'),
                ('doc2', 1, 1, 5, 6, '-', 'h0'), ('doc2', 2, 1, 6, 7, 'u', 'unembedded'), ('secret', 0, 1, 0, 1, 's', 'h1'), ('far', 0, 1, 0, 1, 'f', 'h1');
            insert into slipway.embeddings values ('h1', 'm', 3, '[1,0,0]', now()), ('h2', 'm', 3, '[0.8,0.6,0]', now()), ('h3', 'm', 3, '[0,1,0]', now()),
                ('h0', 'm', 3, '[0,0,0]', now()), ('h1', 'another', 2, '[1,0]', now());
            insert into slipway.document_rows (document_id, table_name, row_number, row_data) values ('doc2', 't', 1, '{"n":"1"}');
            """
        );
        await CompatScripts.RunAsync(database, "dimensions = '3'");
        await CompatScripts.RunAsync(database, "dimensions = '3'"); // re-runnable
    }

    [Theory]
    [InlineData(
        "user_profiles",
        "id uuid, email text, full_name text, is_admin boolean, created_at timestamp with time zone, updated_at timestamp with time zone"
    )]
    [InlineData("requests", "id uuid, user_id uuid, timestamp timestamp with time zone, user_query text")]
    [InlineData(
        "conversations",
        "session_id character varying, user_id uuid, title character varying, created_at timestamp with time zone, last_message_at timestamp with time zone, is_archived boolean, metadata jsonb"
    )]
    [InlineData(
        "messages",
        "id integer, computed_session_user_id uuid, session_id character varying, message jsonb, message_data text, created_at timestamp with time zone"
    )]
    [InlineData(
        "document_metadata",
        "id text, title text, url text, created_at timestamp without time zone, schema text"
    )]
    [InlineData("document_rows", "id integer, dataset_id text, row_data jsonb")]
    [InlineData("documents", "id bigint, content text, metadata jsonb, embedding vector(3)")]
    [InlineData(
        "rag_pipeline_state",
        "pipeline_id text, pipeline_type text, last_check_time timestamp without time zone, known_files jsonb, last_run timestamp without time zone, created_at timestamp without time zone, updated_at timestamp without time zone"
    )]
    [Trait("Parity", "S108")]
    [Trait("Parity", "S113")]
    public async Task The_eight_tables_have_their_columns(string table, string columns)
    {
        Assert.Equal(
            columns,
            await _database.ExecuteAsync(
                $"""
                select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum)
                from pg_attribute where attrelid = 'public.{table}'::regclass and attnum > 0
                """
            )
        );
        Assert.NotNull(await AskAsync(Service, null, $"select count(*) from public.{table}"));
    }

    [Fact]
    [Trait("Parity", "S110")]
    [Trait("Parity", "S149")]
    public async Task A_browser_sees_its_own_rows_and_an_admin_all_of_the_tenant()
    {
        (string View, long Own, long All)[] views =
        [
            ("user_profiles", 1, 3),
            ("conversations", 1, 2),
            ("messages", 2, 3),
            ("requests", 1, 2),
        ];
        foreach (var (view, own, all) in views)
        {
            var count = $"select count(*) from public.{view}";
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, await RefusalAsync(Anonymous, Ada, count));
            Assert.Equal(0L, await AskAsync(Browser, null, count));
            Assert.Equal(own, await AskAsync(Browser, Ada, count));
            Assert.Equal(all, await AskAsync(Browser, Admin, count));
            Assert.Equal(all, await AskAsync(Service, null, count));
        }

        Assert.Equal(true, await AskAsync(Browser, Admin, "select public.is_admin()"));
        Assert.Equal(false, await AskAsync(Browser, Ada, "select public.is_admin()"));
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            await RefusalAsync(Anonymous, Admin, "select public.is_admin()")
        );
        // The application's own setting is understood too, in its tenant only.
        const string Setting =
            """select set_config('slipway.principal', '{"tenant":"default","user":"%"}', true); select count(*) from public.messages""";
        Assert.Equal(2L, await LastAsync("slipway_app", Setting.Replace("%", Ada, StringComparison.Ordinal)));
        Assert.Equal(
            0L,
            await LastAsync(
                "slipway_app",
                Setting
                    .Replace("%", Ada, StringComparison.Ordinal)
                    .Replace("default", "elsewhere", StringComparison.Ordinal)
            )
        );
    }

    [Fact]
    [Trait("Parity", "S110")]
    public async Task A_condition_of_the_query_sees_no_row_before_the_view_has_let_it_pass()
    {
        // As cheap as can be, so that a planner that may will ask it first.
        const string Look = """
            create function pg_temp.look(text) returns boolean language plpgsql cost 0.0000001 as
            $$ begin if $1 like '%eve%' then raise exception 'seen: %', $1; end if; return true; end $$;
            """;
        const string Query = "select count(*) from public.user_profiles where pg_temp.look(email)";

        Assert.Equal(
            1L,
            await LastAsync(
                Browser,
                $"select set_config('request.jwt.claims', '{{\"sub\":\"{Ada}\"}}', true);\n{Look}\n{Query}"
            )
        );
    }

    [Fact]
    [Trait("Parity", "S108")]
    public async Task Messages_have_the_older_shape()
    {
        var human = await MessageAsync("human");
        var answer = await MessageAsync("ai");

        Assert.Equal("How \\u0000\uFFFDmany?", human.GetProperty("content").GetString());
        Assert.Equal("YSxi", human.GetProperty("files")[0].GetProperty("content").GetString());
        Assert.Equal("a.csv", human.GetProperty("files")[0].GetProperty("fileName").GetString());
        Assert.Equal("text/csv", human.GetProperty("files")[0].GetProperty("mimeType").GetString());
        Assert.Equal("Sixteen.", answer.GetProperty("content").GetString());
        Assert.Equal(
            "aaaaaaaa-0000-4000-8000-000000000001",
            answer.GetProperty("data").GetProperty("request_id").GetString()
        );
        Assert.Equal("How \\u0000\uFFFDmany?", await AskAsync(Browser, Ada, "select user_query from public.requests"));

        async Task<JsonElement> MessageAsync(string type) =>
            JsonDocument
                .Parse(
                    (string)
                        (
                            await AskAsync(
                                Browser,
                                Ada,
                                $"select message::text from public.messages where message ->> 'type' = '{type}'"
                            )
                        )!
                )
                .RootElement;
    }

    [Fact]
    [Trait("Parity", "S110")]
    public async Task A_browser_writes_what_is_its_own_and_nothing_else()
    {
        Assert.Null(await RefusalAsync(Browser, Ada, "update public.user_profiles set full_name = 'A. L.'"));
        foreach (
            var forbidden in (string[])
                [
                    "update public.user_profiles set is_admin = true",
                    "update public.user_profiles set email = 'root@example.org'",
                    $"update public.user_profiles set id = '{Eve}'",
                    $"insert into public.user_profiles (id, email) values ('{Guid.NewGuid()}', 'x')",
                    "delete from public.user_profiles",
                    $"insert into public.conversations (session_id, user_id) values ('{Eve}~x', '{Eve}')",
                    "delete from public.conversations",
                    $"insert into public.messages (session_id, message) values ('{Eve}~eeeeeeeeee', '{Human}')",
                    $"insert into public.messages (session_id, message) values ('{Ada}~aaaaaaaaaa', '{Answer}')",
                    "update public.messages set message = '{}'",
                    "delete from public.messages",
                    $"insert into public.requests (id, user_id, user_query) values (gen_random_uuid(), '{Ada}', 'x')",
                    "delete from public.requests",
                ]
        )
        {
            Assert.Contains(await RefusalAsync(Browser, Ada, forbidden), Closed);
            Assert.Contains(await RefusalAsync(Anonymous, Ada, forbidden), Closed);
        }

        Assert.Equal(
            0L,
            await CountAsync(
                Browser,
                Ada,
                $"update public.user_profiles set full_name = 'x' where id = '{Eve}' returning 1"
            )
        );
        Assert.Equal(
            1L,
            await CountAsync(
                Browser,
                Admin,
                $"update public.user_profiles set is_admin = true where id = '{Eve}' returning 1"
            )
        );
        Assert.Equal(
            PostgresErrorCodes.ForeignKeyViolation,
            await RefusalAsync(
                Service,
                null,
                $"insert into public.messages (session_id, message) values ('gone', '{Human}')"
            )
        );
    }

    [Fact]
    [Trait("Parity", "S108")]
    public async Task What_an_older_back_end_writes_is_read_by_the_new_one()
    {
        var content = (string)
            (
                await LastAsync(
                    Service,
                    $$"""
                    insert into public.conversations (session_id, user_id, title) values ('{{Ada}}~bbbbbbbbbb', '{{Ada}}', 'New');
                    insert into public.messages (session_id, message) values ('{{Ada}}~bbbbbbbbbb', '{"type":"human","content":"hi \\u0000","files":[{"fileName":"f","content":"aGk=","mimeType":"text/plain"}]}');
                    insert into public.messages (session_id, message) values ('{{Ada}}~bbbbbbbbbb', '{{Answer}}');
                    insert into public.requests (id, user_id, user_query) values ('99999999-0000-4000-8000-000000000001', '{{Ada}}', 'hi');
                    update public.conversations set title = 'Renamed', is_archived = true where session_id = '{{Ada}}~bbbbbbbbbb';
                    reset role;
                    select (select string_agg(role || ' ' || content, chr(10) order by sequence) from slipway.messages where conversation_id = '{{Ada}}~bbbbbbbbbb')
                        || chr(10) || (select user_query from public.requests where id = '99999999-0000-4000-8000-000000000001')
                        || ' ' || (select title || ' ' || is_archived from public.conversations where session_id = '{{Ada}}~bbbbbbbbbb')
                    """
                )
            )!;
        var lines = content.Split('\n');

        Assert.True(StoredMessage.TryRead(1, lines[0]["user ".Length..], out var human));
        Assert.Equal("hi \\u0000", human.Text);
        Assert.Equal("text/plain", Assert.IsType<Microsoft.Extensions.AI.DataContent>(human.Contents[1]).MediaType);
        Assert.True(StoredMessage.TryRead(1, lines[1]["assistant ".Length..], out var answer));
        Assert.Equal("yes", answer.Text);
        Assert.Equal("hi Renamed true", lines[2]);
    }

    [Fact]
    [Trait("Parity", "S109")]
    [Trait("Parity", "S117")]
    public async Task Profiles_follow_accounts()
    {
        const string New = "44444444-4444-4444-8444-444444444444";
        const string Accounts =
            $"insert into auth.users values ('{Ada}', 'again@example.org'), ('{New}', 'new@example.org');";
        const string Profiles = "select string_agg(email, ' ' order by email) from public.user_profiles";

        Assert.Equal(
            "ada@example.org eve@example.org new@example.org root@example.org",
            await LastAsync("postgres", Accounts + Profiles)
        );
        Assert.Equal(
            "eve@example.org root@example.org",
            await LastAsync("postgres", Accounts + "delete from auth.users;" + Profiles)
        );
        Assert.Equal(
            1L,
            await LastAsync("postgres", Accounts + "delete from auth.users; select count(*) from public.messages")
        );
    }

    [Theory]
    [InlineData("select count(*) from public.documents")]
    [InlineData("select count(*) from public.document_metadata")]
    [InlineData("select count(*) from public.document_rows")]
    [InlineData("select count(*) from public.rag_pipeline_state")]
    [InlineData("delete from public.document_rows")]
    [InlineData("insert into public.documents (content) values ('x')")]
    [InlineData("select count(*) from public.match_documents('[1,0,0]', 4)")]
    [InlineData("select public.execute_custom_sql('select 1')")]
    [Trait("Parity", "S111")]
    [Trait("Parity", "S115")]
    [Trait("Parity", "S149")]
    public async Task Documents_and_arbitrary_SQL_are_closed_to_browsers(string sql)
    {
        Assert.Contains(await RefusalAsync(Anonymous, null, sql), Closed);
        Assert.Contains(await RefusalAsync(Browser, Ada, sql), Closed);
        Assert.Contains(await RefusalAsync(Browser, Admin, sql), Closed);
    }

    [Fact]
    [Trait("Parity", "S112")]
    public async Task Matching_gives_the_nearest_chunks_with_their_metadata()
    {
        Assert.Equal("one 1.00, two 0.80, three 0.00", await MatchAsync("'[1,0,0]'"));
        Assert.Equal("one 1.00", await MatchAsync("'[1,0,0]', 1"));
        Assert.Equal("three 1.00, two 0.60", await MatchAsync("'[0,1,0]', 2"));
        Assert.Equal("three 0.00", await MatchAsync("""'[1,0,0]', 4, '{"lang":"de"}'"""));
        Assert.Equal("one 1.00, two 0.80", await MatchAsync("""'[1,0,0]', 4, '{"file_id":"doc1","team":"blue"}'"""));
        Assert.Null(await MatchAsync("""'[1,0,0]', 4, '{"file_id":"forged"}'"""));
        Assert.Equal(
            "two 0.80",
            await MatchAsync("query_embedding => '[1,0,0]', filter => '{\"chunk_index\":1}', match_count => 4")
        );
        Assert.Equal(
            """{"lang": "en", "team": "blue", "file_id": "doc1", "file_url": "https://a", "mime_type": "text/markdown", "file_title": "A", "chunk_index": 0, "external_id": "x1"}""",
            await AskAsync(Service, null, "select metadata::text from public.match_documents('[1,0,0]', 1)")
        );
        Assert.Equal(
            PostgresErrorCodes.DataException,
            await RefusalAsync(Service, null, "select * from public.match_documents('[1,0]', 1)")
        );

        Task<object?> MatchAsync(string arguments) =>
            AskAsync(
                Service,
                null,
                $"""
                select string_agg(content || ' ' || round(similarity::numeric, 2), ', ' order by similarity desc)
                from public.match_documents({arguments})
                """
            );
    }

    [Fact]
    [Trait("Parity", "S112")]
    [Trait("Parity", "S114")]
    public async Task Matching_uses_the_models_index()
    {
        await using var database = await PostgresTestDatabase.CreateAsync();
        await database.ExecuteAsync(
            """
            insert into slipway.documents (id, tenant, collection, source, external_id, name, title, state, version, created_at, updated_at)
            select 'd' || i, 'default', 'default', 's', 'd' || i, 'd' || i, 'd' || i, 'published', 1, now(), now() from generate_series(1, 5000) i;
            insert into slipway.chunks (document_id, ordinal, version, start_offset, end_offset, text, content_hash)
            select 'd' || i, 0, 1, 0, 1, i::text, 'h' || i from generate_series(1, 5000) i;
            insert into slipway.embeddings
            select 'h' || i, 'm', 3, array[cos(i), sin(i), i / 5000.0]::vector, now() from generate_series(1, 5000) i;
            create index on slipway.embeddings using hnsw ((vector::vector(3)) vector_cosine_ops) where model = 'm';
            analyze slipway.documents, slipway.chunks, slipway.embeddings;
            """
        );
        await CompatScripts.RunAsync(database, "dimensions = '3'", "model = 'm'");

        var scans = await LastAsync(
            "postgres",
            """
            select count(*) from public.match_documents('[1,0,0]', 4);
            select pg_stat_get_xact_numscans(indexrelid) from pg_stat_user_indexes where indexrelname like 'embeddings_vector%'
            """,
            database
        );

        Assert.Equal(1L, scans);
    }

    [Fact]
    [Trait("Parity", "S114")]
    public async Task Columns_that_are_asked_for_have_an_index()
    {
        foreach (
            var (table, columns) in ((string, string)[])
                [("documents", "(id)"), ("document_rows", "(document_id"), ("turns", "(tenant, user_id, started_at")]
        )
        {
            Assert.NotEmpty(
                await _database.QueryAsync(
                    $"select indexname::text from pg_indexes where schemaname = 'slipway' and tablename = '{table}' and position('{columns}' in indexdef) > 0"
                )
            );
        }
    }

    [Fact]
    [Trait("Parity", "S108")]
    [Trait("Parity", "S118")]
    public async Task Pipeline_state_is_the_ledger_and_moves_with_it() =>
        Assert.Equal(
            """google_drive 2026-01-05 00:00:00 {"x1": "2026-01-04T00:00:00.000Z", "x2": "2026-01-04T00:00:00.000Z", "x3": "2026-01-04T00:00:00.000Z", "x4": "2026-01-04T00:00:00.000Z"} 2026-01-06 00:00:00 true""",
            await LastAsync(
                "slipway_background",
                """
                create temp table before as select * from public.rag_pipeline_state;
                update slipway.documents set attempts = 1 where id = 'doc1';
                select concat_ws(' ', b.pipeline_type, b.last_check_time, b.known_files, b.updated_at, (s.updated_at > b.updated_at)::text)
                from public.rag_pipeline_state s, before b
                """
            )
        );

    [Fact]
    [Trait("Parity", "S115")]
    public async Task Definers_pin_their_path_and_strangers_call_nothing() =>
        Assert.Empty(
            await _database.QueryAsync(
                """
                select p.oid::regprocedure::text from pg_proc p
                where (pronamespace = 'slipway'::regnamespace or proname in ('is_admin', 'match_documents'))
                    and (has_function_privilege('public', p.oid, 'execute') or has_function_privilege('anon', p.oid, 'execute')
                        or prosecdef and not coalesce(array_to_string(proconfig, ',') like '%search_path=pg_catalog%', false))
                """
            )
        );

    [Fact]
    [Trait("Parity", "S116")]
    public async Task A_table_of_the_older_system_is_left_alone()
    {
        await using var database = await PostgresTestDatabase.CreateAsync();
        await database.ExecuteAsync("create table public.messages (id int); insert into public.messages values (7)");

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => CompatScripts.RunAsync(database));

        Assert.Contains("public.messages is a table", refusal.MessageText, StringComparison.Ordinal);
        Assert.Equal(7, await database.ExecuteAsync("select id from public.messages"));
        Assert.Null(await database.ExecuteAsync("select to_regclass('public.documents')::text"));
        await database.ExecuteAsync("create schema older");
        await CompatScripts.RunAsync(database, "schema = 'older'", "tenant = 't''1'", "dimensions = '2500'");
        Assert.Equal(0L, await database.ExecuteAsync("select count(*) from older.messages"));
        Assert.Equal(0L, await database.ExecuteAsync("select count(*) from older.documents"));
        Assert.Equal(
            0L,
            await database.ExecuteAsync(
                "select count(*) from older.match_documents((select array_agg(1.0) from generate_series(1, 2500))::vector, 3)"
            )
        );
        Assert.Null(await database.ExecuteAsync("select to_regclass('public.documents')::text"));
    }

    /// <summary>Row-level security binds the owner too: the views read and write by its policies.</summary>
    [Fact]
    [Trait("Parity", "S149")]
    public async Task It_works_where_the_schemas_owner_is_no_superuser()
    {
        await using var database = await PostgresTestDatabase.CreateEmptyAsync();
        await database.ExecuteAsync(
            await File.ReadAllTextAsync(PostgresTestDatabase.RolesScript, TestContext.Current.CancellationToken)
        );
        await using var migrator = await TestLogin.CreateAsync(database, "slipway_owner");
        await PostgresSchema.MigrateAsync(migrator.Options, TestContext.Current.CancellationToken);
        await CompatScripts.RunAsync(database);
        await database.ExecuteAsync(
            $"insert into slipway.users values ('default', '{Ada}', 'ada@example.org', 'Ada', false, now(), now())"
        );

        Assert.Equal(
            "slipway_owner",
            await database.ExecuteAsync(
                "select string_agg(distinct pg_get_userbyid(relowner)::text, ' ') from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
            )
        );
        Assert.Null(
            await CompatScripts.RefusalAsync(
                database,
                Browser,
                Ada,
                $"insert into public.conversations (session_id, user_id) values ('{Ada}~x', '{Ada}'); insert into public.messages (session_id, message) values ('{Ada}~x', '{Human}')"
            )
        );
        Assert.Equal(
            1L,
            await CompatScripts.AskAsync(database, Browser, Ada, "select count(*) from public.user_profiles")
        );
        Assert.Equal(
            0L,
            await CompatScripts.AskAsync(database, Browser, Eve, "select count(*) from public.user_profiles")
        );
        Assert.Equal(
            0L,
            await CompatScripts.AskAsync(
                database,
                Service,
                null,
                "select count(*) from public.match_documents(array_fill(1, array[1536])::vector)"
            )
        );
    }

    private static string Human => """{"type":"human","content":"x"}""";

    private static string Answer => """{"type":"ai","content":"yes"}""";

    private Task<object?> AskAsync(string role, string? user, string sql) =>
        CompatScripts.AskAsync(_database, role, user, sql);

    private Task<string?> RefusalAsync(string role, string? user, string sql) =>
        CompatScripts.RefusalAsync(_database, role, user, sql);

    private Task<object?> CountAsync(string role, string user, string sql) =>
        AskAsync(role, user, $"with changed as ({sql}) select count(*) from changed");

    /// <summary>The answer of the last of several statements in one rolled back transaction.</summary>
    private async Task<object?> LastAsync(string role, string sql, PostgresTestDatabase? database = null)
    {
        await using var connection = new NpgsqlConnection((database ?? _database).ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand($"set local role {role};\n{sql}", connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        object? last = null;
        do
        {
            while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            {
                last = reader.IsDBNull(0) ? null : reader.GetValue(0);
            }
        } while (await reader.NextResultAsync(TestContext.Current.CancellationToken));

        return last;
    }
}
