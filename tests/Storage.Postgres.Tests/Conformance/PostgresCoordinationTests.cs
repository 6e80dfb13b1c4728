using Slipway.Rag.Testing;

namespace Slipway.Storage.Postgres.Tests.Conformance;

public sealed class PostgresChangeSignalTests() : ChangeSignalSuite(PostgresCoordinationFixture.OpenAsync)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Listeners_whose_connections_are_killed_miss_nothing()
    {
        await using var store = await PostgresCoordinationFixture.CreateAsync();
        var game = TakeTurnsAsync(store, rounds: 12);
        var killed = 0;
        while (!game.IsCompleted)
        {
            var count = await store.ExecuteAsync(
                """
                select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and query = 'listen slipway'
                """
            );
            killed += (int)(long)count!;
        }

        await game;
        Assert.True(killed >= 4, $"Only {killed} were killed.");
    }

    [Fact]
    public async Task Every_process_has_one_connection_that_listens()
    {
        await using var store = await PostgresCoordinationFixture.CreateAsync();
        await using var other = await store.ReopenAsync(Token);
        var topics = Enumerable.Range(0, 10).Select(number => ChangeTopic.Turn("turn " + number)).ToList();
        var subscriptions = await Task.WhenAll(
            topics.SelectMany(topic =>
                new[] { store, other }.Select(one => one.Changes.SubscribeAsync(topic, Token).AsTask())
            )
        );

        Assert.Equal(
            2L,
            await store.ExecuteAsync(
                "select count(*) from pg_stat_activity where datname = current_database() and query = 'listen slipway'"
            )
        );
        Assert.All(subscriptions, subscription => subscription.Dispose());
    }

    [Fact]
    public async Task Behind_a_pooler_alone_it_polls_and_with_a_direct_connection_it_does_not()
    {
        await using var test = await PostgresTestDatabase.CreateAsync();
        await using var pooler = await PgBouncer.StartAsync(test.ConnectionString);
        await using var pooled = PostgresCoordinationFixture.Open(
            test,
            new PostgresStorageOptions { ConnectionString = pooler.ConnectionString }
        );
        await using var direct = PostgresCoordinationFixture.Open(
            test,
            new PostgresStorageOptions
            {
                ConnectionString = pooler.ConnectionString,
                DirectConnectionString = test.ConnectionString,
            }
        );

        await TakeTurnsAsync(pooled, rounds: 8);
        using (await direct.Changes.SubscribeAsync(ChangeTopic.Turn("turn"), Token)) { }

        Assert.True(pooled.IsPolling);
        Assert.False(direct.IsPolling);
    }

    /// <summary>What a bulk load must not pay for: no commit of a listed document notifies anybody.</summary>
    [Fact]
    public async Task Only_pushed_documents_are_signalled()
    {
        await using var store = await PostgresStoreFixture.OpenAsync(TimeProvider.System, Token);
        var corpus = new Corpus(store);
        var collection = ChangeTopic.Collection("default", "default");
        using var listed = await store.Changes.SubscribeAsync(ChangeTopic.Document(Corpus.Id("listed")), Token);
        using var any = await store.Changes.SubscribeAsync(collection, Token);
        while (await any.WaitAsync(TimeSpan.Zero, Token) || await listed.WaitAsync(TimeSpan.Zero, Token)) { }

        await corpus.PublishAsync("listed", "text");
        await corpus.DeleteAsync("listed");
        await store.Inbox.EnqueueAsync(
            Slipway.Rag.Storage.CollectionKey.Default,
            Corpus.Document("pushed"),
            new string('0', 64),
            Token
        );

        Assert.True(await any.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.False(await listed.WaitAsync(TimeSpan.Zero, Token)); // notifications come in the order of the commits
    }
}

public sealed class PostgresClaimTests() : ClaimSuite(PostgresStoreFixture.OpenAsync)
{
    protected override int Histories => 8;
}

public sealed class PostgresLeaseTests() : LeaseSuite(PostgresCoordinationFixture.OpenAsync)
{
    protected override int Histories => 8;
}
