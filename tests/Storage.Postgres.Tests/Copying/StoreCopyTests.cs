using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Copying;

public sealed class StoreCopyTests : IAsyncLifetime
{
    private readonly SourceFile _source = new();
    private PostgresTestDatabase _database = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await PostgresTestDatabase.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }

    [Fact]
    public async Task There_and_back_again_every_row_and_every_answer_is_the_same()
    {
        await _source.FillAsync(documents: 14, chunks: 90);
        await using var target = Open(_database);
        var progress = new Progress();

        var there = await new StoreCopy(_source.Tables, target, progress).RunAsync(Token);
        await using var second = _source.Open("back.db");
        var back = await new StoreCopy(target, second.GetRequiredService<IStoreTables>()).RunAsync(Token);

        Assert.Equal(there, back);
        Assert.All(there, table => Assert.True(table.Rows > 0, table.Table + " is empty: nothing was tested"));
        Assert.Equal(StoreTable.All.Select(table => table.Name), there.Select(table => table.Table));
        Assert.Equal((12 * 90) + 2, there.Single(table => table.Table == "chunks").Rows);
        Assert.Contains(progress.Reports, report => report is { Table: "chunks", Rows: 1000, Total: 1082 });

        await using var database = new PostgresDatabase(_database.Options, TimeProvider.System);
        ISearchIndex[] indexes =
        [
            _source.Services.GetRequiredService<ISearchIndex>(),
            new PostgresSearchIndex(database),
            second.GetRequiredService<ISearchIndex>(),
        ];
        foreach (
            var query in (string[])["keel mast", "the harbour crane lifts a hull", "bell 7 3", "plank plank", "1 0 1"]
        )
        {
            var answers = await Task.WhenAll(indexes.Select(index => SearchAsync(index, query)));
            Assert.NotEmpty(answers[0]);
            Assert.Equal(answers[0], answers[1]);
            Assert.Equal(answers[0], answers[2]);
        }

        // What comes next goes on behind the last number.
        Assert.Equal(
            43L,
            await _database.ExecuteAsync(
                "insert into slipway.messages (tenant, conversation_id, id, role, format, content, created_at) values ('default', 'c', 'm3', 'user', 1, 'x', now()) returning sequence"
            )
        );
        Assert.Equal(0L, await _database.ExecuteAsync("select count(*) from slipway.lexical_deltas"));
    }

    [Fact]
    public async Task A_copy_that_was_killed_goes_on_where_it_stopped()
    {
        await _source.FillAsync(documents: 14, chunks: 90);
        var other = _database.ConnectionString;
        string blocked;
        await using (var connection = new NpgsqlConnection(other + ";Pooling=false"))
        {
            // A row of the second thousand that somebody else is about to write: there the copy has to wait.
            await connection.OpenAsync(Token);
            await using var transaction = await connection.BeginTransactionAsync(Token);
            await using (var reader = await _source.Tables.OpenReaderAsync(Token))
            {
                var embeddings = StoreTable.All.Single(table => table.Name == "embeddings");
                blocked = (string)(await reader.ReadAsync(embeddings, null, Token).ElementAtAsync(1200, Token))[0]!;
            }

            await using (
                var command = new NpgsqlCommand(
                    $"insert into slipway.embeddings values ('{blocked}', '{SourceFile.Model}', 1, '[1]', now())",
                    connection
                )
            )
            {
                await command.ExecuteNonQueryAsync(Token);
            }

            using var child = VerbProcess.Start("copy", "--to", other, "--Storage:Path=" + _source.FilePath);
            await UntilAsync(async () =>
                await _database.ExecuteAsync(
                    $"select count(*) from pg_stat_activity where datname = '{_database.Name}' and wait_event_type = 'Lock'"
                )
                    is 1L
            );
            child.Kill();
        }

        Assert.Equal(1000L, await _database.ExecuteAsync("select count(*) from slipway.embeddings"));
        await using (var stranger = _source.Open("stranger.db"))
        {
            await using var target = Open(_database);
            var refusal = await Assert.ThrowsAsync<SlipwayException>(() =>
                new StoreCopy(stranger.GetRequiredService<IStoreTables>(), target).RunAsync(Token)
            );
            Assert.Contains("is not empty", refusal.Message, StringComparison.Ordinal);
        }

        var (code, output) = await VerbProcess.RunAsync("copy", "--to", other, "--Storage:Path=" + _source.FilePath);

        Assert.True(code == 0, output);
        Assert.Contains("copying embeddings: 1262 of 1262 rows", output, StringComparison.Ordinal);
        Assert.Contains("copied, compared and equal", output, StringComparison.Ordinal);

        // Whole now, so nothing may be copied to it again.
        (code, output) = await VerbProcess.RunAsync("copy", "--to", other, "--Storage:Path=" + _source.FilePath);
        Assert.Equal(2, code);
        Assert.Contains("is not empty: there are rows in sources", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("update slipway.chunks set text = text || '.' where ordinal = 1")]
    [InlineData("delete from slipway.turn_events where sequence = 2")]
    [InlineData("update slipway.users set is_admin = not is_admin where id = 'bob'")]
    [InlineData("update slipway.memories set vector = '[1,2.0000001]' where id = 'm'")]
    public async Task A_difference_is_an_error_that_names_the_table(string change)
    {
        await _source.FillAsync(documents: 4, chunks: 2);
        await using var target = Open(_database);
        var meddling = new Meddling(target, () => _database.ExecuteAsync(change));

        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            new StoreCopy(_source.Tables, meddling).RunAsync(Token)
        );

        Assert.Contains("The copy differs", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            change.Split('.', ' ')[change.StartsWith("delete", StringComparison.Ordinal) ? 3 : 2],
            error.Message,
            StringComparison.Ordinal
        );
        Assert.Null(await _database.ExecuteAsync("select finished_at from slipway.store_copies"));
    }

    [Fact]
    public async Task A_login_that_row_level_security_binds_copies_nothing()
    {
        await using var login = await TestLogin.CreateAsync(_database, "slipway_app");
        await using var bound = new PostgresStoreTables(
            new PostgresDatabase(login.Options, TimeProvider.System),
            ownsDatabase: true
        );

        var error = await Assert.ThrowsAsync<SlipwayException>(() =>
            new StoreCopy(bound, _source.Tables).RunAsync(Token)
        );

        Assert.Contains("sees only some of the rows", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_is_not_copied_to_itself() =>
        Assert.Contains(
            "the same store",
            (
                await Assert.ThrowsAsync<SlipwayException>(() =>
                    new StoreCopy(_source.Tables, _source.Tables).RunAsync(Token)
                )
            ).Message,
            StringComparison.Ordinal
        );

    /// <summary>A new table or column is copied, or is named here with the reason why not.</summary>
    [Fact]
    public async Task Every_column_of_both_engines_is_copied_or_left_out_with_a_reason()
    {
        string[] leftOut =
        [
            "documents.owner", // who works on it now; the other store's workers claim it anew
            "documents.claimed_until",
            "fencing_tokens.", // each store's own; it goes on above the tokens that were copied
            "holders.", // a view
            "leases.owner", // as with claims; only the tokens must never fall
            "leases.expires_at",
            "turns.lease_expires_at", // nobody holds a turn in the copy
            "index_generations.bucket_size", // each store's own, with what follows from it
            "index_generations.revision",
            "index_generations.merges",
            "lexical_deltas.id",
            "lexical_documents.",
            "lexical_postings.",
            "lexical_buckets.",
            "index_changes.",
            "embedding_models.", // known from the embeddings
            "schema_migrations.", // of the schema, not of what is in it
            "store_copies.",
            "clock.",
        ];
        var copied = StoreTable
            .All.SelectMany(table => table.Columns.Select(column => $"{table}.{column.Name}"))
            .ToHashSet(StringComparer.Ordinal);
        var postgres = await _database.QueryAsync(
            "select table_name || '.' || column_name from information_schema.columns where table_schema = 'slipway'"
        );
        var sqlite = await _source.QueryAsync(
            "select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'"
        );

        foreach (var columns in (IEnumerable<string>[])[postgres.Cast<string>(), sqlite])
        {
            var known = columns.ToHashSet(StringComparer.Ordinal);
            Assert.Empty(copied.Except(known));
            var forgotten = known
                .Except(copied)
                .Where(column => !leftOut.Any(name => column.StartsWith(name, StringComparison.Ordinal)));
            Assert.Equal([], forgotten);
        }
    }

    private static PostgresStoreTables Open(PostgresTestDatabase database) =>
        new(new PostgresDatabase(database.Options, TimeProvider.System), ownsDatabase: true);

    private static async Task<List<(string, int, double)>> SearchAsync(ISearchIndex index, string query)
    {
        List<(string, int, double)> hits = [];
        foreach (var principal in (Principal[])[new("default", "ada"), new("default", "eve")])
        {
            await using var snapshot = await index.OpenSnapshotAsync(CollectionKey.Default, principal, Token);
            foreach (var hit in await snapshot.SearchTextAsync(query, 20, new RetrievalOptions().Bm25, Token))
            {
                hits.Add((hit.DocumentId, hit.Ordinal, hit.Score));
            }

            foreach (
                var hit in await snapshot.SearchVectorsAsync(
                    SourceFile.Model,
                    new[] { 0.3f, query.Length / 40f, 0.5f },
                    5,
                    Token
                )
            )
            {
                hits.Add((hit.DocumentId, hit.Ordinal, Math.Round(hit.Score, 4)));
            }
        }

        return hits;
    }

    private static async Task UntilAsync(Func<Task<bool>> isTrue)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await isTrue())
        {
            await Task.Delay(20, patience.Token);
        }
    }

    private sealed class Progress : IProgress<StoreCopyProgress>
    {
        public List<StoreCopyProgress> Reports { get; } = [];

        public void Report(StoreCopyProgress value) => Reports.Add(value);
    }

    /// <summary>Changes the target between the copy and the comparison.</summary>
    private sealed class Meddling(IStoreTables store, Func<Task> meddle) : IStoreTables
    {
        public string Name => store.Name;

        public ValueTask<IStoreTablesReader> OpenReaderAsync(CancellationToken cancellationToken = default) =>
            store.OpenReaderAsync(cancellationToken);

        public ValueTask BeginCopyAsync(string source, CancellationToken cancellationToken = default) =>
            store.BeginCopyAsync(source, cancellationToken);

        public ValueTask WriteAsync(
            StoreTable table,
            IReadOnlyList<object?[]> rows,
            CancellationToken cancellationToken = default
        ) => store.WriteAsync(table, rows, cancellationToken);

        public ValueTask<int> AddMissingAsync(
            StoreTable table,
            IReadOnlyList<object?[]> rows,
            CancellationToken cancellationToken = default
        ) => store.AddMissingAsync(table, rows, cancellationToken);

        public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
        {
            await store.CompleteAsync(cancellationToken);
            await meddle();
        }

        public ValueTask EndCopyAsync(string source, CancellationToken cancellationToken = default) =>
            store.EndCopyAsync(source, cancellationToken);

        public ValueTask DisposeAsync() => store.DisposeAsync();
    }
}
