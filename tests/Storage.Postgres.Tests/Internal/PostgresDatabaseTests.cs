using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Internal;

public sealed class PostgresDatabaseTests : IAsyncLifetime
{
    private PostgresTestDatabase _test = null!;
    private PostgresDatabase _database = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _test = await PostgresTestDatabase.CreateAsync();
        _database = new PostgresDatabase(_test.Options, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        if (_test is not null)
        {
            await _database.DisposeAsync();
            await _test.DisposeAsync();
        }
    }

    [Fact]
    public async Task Work_that_throws_leaves_nothing()
    {
        await Assert.ThrowsAsync<FormatException>(async () =>
            await _database.WriteAsync(
                null,
                async session =>
                {
                    await AddLeaseAsync(session, "a");
                    throw new FormatException();
                },
                Cancellation
            )
        );

        Assert.Equal(0L, await _test.ExecuteAsync("select count(*) from slipway.leases"));
    }

    [Fact]
    public async Task What_is_queued_is_sent_before_the_commit()
    {
        await _database.WriteAsync(
            null,
            session =>
            {
                session.Queue("insert into slipway.leases (name) values ($1)", "a");
                session.Queue("insert into slipway.leases (name, owner) values ($1, $2)", "b", null);
                return Task.CompletedTask;
            },
            Cancellation
        );

        Assert.Equal(["a", "b"], await _test.QueryAsync("select name from slipway.leases order by name"));
    }

    [Fact]
    public async Task A_statement_counts_its_own_rows_only()
    {
        var (changed, value, none) = await _database.WriteAsync(
            null,
            async session =>
            {
                session.Queue("insert into slipway.leases (name) values ('a'), ('b'), ('c')");
                var rows = await session.ExecuteAsync("update slipway.leases set owner = $1 where name <> 'a'", "me");
                return (
                    rows,
                    await session.ScalarAsync("select owner from slipway.leases where name = 'b'"),
                    await session.ScalarAsync("select owner from slipway.leases where name = 'a'")
                );
            },
            Cancellation
        );

        Assert.Equal((2, "me", null), (changed, value, none));
    }

    [Fact]
    public async Task A_read_sees_one_moment()
    {
        await using var read = await _database.BeginReadAsync(null, Cancellation);
        var before = await read.ScalarAsync("select count(*) from slipway.leases");
        await _database.WriteAsync(null, session => AddLeaseAsync(session, "a"), Cancellation);

        Assert.Equal((0L, 0L), (before, await read.ScalarAsync("select count(*) from slipway.leases")));
    }

    [Fact]
    public async Task Two_writers_that_block_each_other_both_get_done()
    {
        await _test.ExecuteAsync("insert into slipway.leases (name, fencing_token) values ('a', 0), ('b', 0)");
        using var both = new Barrier(2);
        var meetings = 0;

        await Task.WhenAll(WriteAsync("a", "b"), WriteAsync("b", "a"));

        Assert.Equal([2L, 2L], await _test.QueryAsync("select fencing_token from slipway.leases"));

        Task WriteAsync(string first, string second) =>
            Task.Run(
                async () =>
                    await _database.WriteAsync(
                        null,
                        async session =>
                        {
                            await BumpAsync(session, first);
                            if (Interlocked.Increment(ref meetings) <= 2)
                            {
                                both.SignalAndWait(Cancellation);
                            }

                            await BumpAsync(session, second);
                        },
                        Cancellation
                    ),
                Cancellation
            );
    }

    [Fact]
    public async Task A_connection_that_was_cut_is_replaced_and_the_work_repeated()
    {
        var attempts = 0;

        await _database.WriteAsync(
            null,
            async session =>
            {
                await BumpOrAddAsync(session);
                if (attempts++ == 0)
                {
                    await _test.ExecuteAsync($"select pg_terminate_backend({session.Connection.ProcessID})");
                }

                await BumpOrAddAsync(session);
            },
            Cancellation
        );

        Assert.Equal((2, 2L), (attempts, await _test.ExecuteAsync("select fencing_token from slipway.leases")));
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_not_done_twice()
    {
        await using var proxy = new LoopbackProxy(_test.ConnectionString);
        await using var database = new PostgresDatabase(
            new() { ConnectionString = proxy.ConnectionString },
            TimeProvider.System
        );
        await database.OpenAsync(Cancellation);
        var attempts = 0;

        await database.WriteAsync(
            null,
            async session =>
            {
                attempts++;
                await BumpOrAddAsync(session);
                proxy.LoseNextAnswerTo("COMMIT");
            },
            Cancellation
        );

        Assert.True(proxy.HasLostAnAnswer);
        Assert.Equal((1, 1L), (attempts, await _test.ExecuteAsync("select fencing_token from slipway.leases")));
    }

    [Fact]
    public async Task A_pool_that_does_not_know_vectors_is_refused_with_the_call_that_helps()
    {
        await using var plain = NpgsqlDataSource.Create(_test.ConnectionString);
        await using var database = new PostgresDatabase(plain, ownsDataSource: false, new(), TimeProvider.System);

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Cancellation));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("UseVector()", error.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pool_that_was_handed_in_is_disposed_by_its_owner(bool owned)
    {
        var source = NpgsqlDataSource.Create(_test.ConnectionString);
        await new PostgresDatabase(source, owned, new(), TimeProvider.System).DisposeAsync();

        if (owned)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
                await source.OpenConnectionAsync(Cancellation)
            );
        }
        else
        {
            await using var connection = await source.OpenConnectionAsync(Cancellation);
            Assert.Equal(System.Data.ConnectionState.Open, connection.State);
            await source.DisposeAsync();
        }
    }

    [Fact]
    public async Task Pauses_are_measured_by_the_given_clock_and_bounded()
    {
        var time = new FakeTimeProvider();
        await using var database = new PostgresDatabase(
            new() { ConnectionString = "Host=127.0.0.1;Port=1;Username=nobody;Database=none" },
            time
        );
        var opening = database.OpenAsync(Cancellation).AsTask();
        var started = time.GetUtcNow();
        while (!opening.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        var error = await Assert.ThrowsAsync<SlipwayException>(() => opening);
        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains("'none' on 127.0.0.1:1", error.Message, StringComparison.Ordinal);
        Assert.NotEqual(started, time.GetUtcNow());
    }

    [Theory]
    [InlineData("Username=nobody_at_all", ErrorClass.Authentication)]
    [InlineData("Database=no_such_database", ErrorClass.Configuration)]
    public async Task Errors_have_the_class_that_says_what_to_do(string change, ErrorClass expected)
    {
        await using var database = new PostgresDatabase(
            new() { ConnectionString = _test.ConnectionString + ";" + change },
            TimeProvider.System
        );

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Cancellation));

        Assert.Equal(expected, error.Class);
        Assert.NotNull(error.Fix);
    }

    private static Task AddLeaseAsync(PostgresSession session, string name) =>
        session.ExecuteAsync("insert into slipway.leases (name) values ($1)", name);

    private static Task BumpAsync(PostgresSession session, string name) =>
        session.ExecuteAsync("update slipway.leases set fencing_token = fencing_token + 1 where name = $1", name);

    private static Task BumpOrAddAsync(PostgresSession session) =>
        session.ExecuteAsync(
            """
            insert into slipway.leases (name, fencing_token) values ('a', 1)
            on conflict (name) do update set fencing_token = leases.fencing_token + 1
            """
        );
}
