using Npgsql;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests.Faults;

/// <summary>What a server may refuse for reasons of its own: each an error with its class, its cause and the setting that helps.</summary>
public sealed class RefusalTests : IAsyncLifetime
{
    private PostgresTestDatabase _test = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _test = await PostgresTestDatabase.CreateAsync();

    public ValueTask DisposeAsync() => _test?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task A_pool_without_a_free_connection()
    {
        await using var database = Open(";Maximum Pool Size=1;Timeout=1");
        await using (await database.BeginReadAsync(null, Token))
        {
            var error = await FailAsync(database);
            Assert.Equal(ErrorClass.Transient, error.Class);
            Assert.Contains("Maximum Pool Size", error.Fix, StringComparison.Ordinal);
        }

        await WriteAsync(database);
    }

    [Fact]
    public async Task A_server_without_a_free_connection()
    {
        await using var login = await TestLogin.CreateAsync(_test, "slipway_app");
        await _test.ExecuteAsync($"alter role {login.Name} connection limit 1");
        await using (var database = new PostgresDatabase(login.Options, new HastyClock()))
        {
            await using (await database.BeginReadAsync(null, Token))
            {
                var error = await FailAsync(database);
                Assert.Equal(ErrorClass.Transient, error.Class);
                Assert.Contains("max_connections", error.Fix, StringComparison.Ordinal);
            }

            await WriteAsync(database);
        }
    }

    [Fact]
    public async Task A_database_that_is_read_only()
    {
        await using var database = Open(";Options=-c default_transaction_read_only=on");
        await database.OpenAsync(Token);

        var error = await FailAsync(database);

        Assert.Equal(ErrorClass.Transient, error.Class);
        Assert.Contains("Target Session Attributes", error.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("statement_timeout")]
    [InlineData("lock_timeout")]
    public async Task A_statement_that_waits_too_long(string setting)
    {
        await using var database = Open($";Options=-c {setting}=100");
        await using var other = Open();
        await other.WriteAsync(
            null,
            async session =>
            {
                await session.ExecuteAsync("lock table slipway.leases");
                var error = await FailAsync(database);
                Assert.Equal(ErrorClass.Transient, error.Class);
            },
            Token
        );

        await WriteAsync(database);
    }

    /// <summary>Two real transactions: a snapshot that is too old to lock what somebody has changed since.</summary>
    [Fact]
    public async Task A_transaction_that_cannot_be_put_in_order_is_repeated()
    {
        await using var database = Open();
        await WriteAsync(database);
        var attempts = 0;

        var token = await database.ReadAsync(
            null,
            async session =>
            {
                await session.ScalarAsync("select 1 from slipway.leases");
                if (attempts++ == 0)
                {
                    await _test.ExecuteAsync("update slipway.leases set fencing_token = 7");
                }

                return await session.ScalarAsync("select fencing_token from slipway.leases for update");
            },
            Token
        );

        Assert.Equal((2, 7L), (attempts, token));
    }

    [Fact]
    public async Task An_extension_that_was_dropped()
    {
        await _test.ExecuteAsync("drop extension vector cascade");
        await using var database = Open();

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Token));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("pgvector", error.Fix, StringComparison.Ordinal);
    }

    /// <summary>The code is what a server without the extension's files gives.</summary>
    [Fact]
    public async Task A_server_that_has_no_such_extension()
    {
        await using var empty = await PostgresTestDatabase.CreateEmptyAsync();
        await empty.ExecuteAsync(
            """
            create function public.refuse() returns event_trigger language plpgsql as $$
            begin
                raise exception 'extension "vector" is not available' using errcode = '0A000';
            end
            $$;
            create event trigger refuse on ddl_command_start when tag in ('CREATE EXTENSION') execute function public.refuse()
            """
        );
        await using var database = new PostgresDatabase(empty.Options, TimeProvider.System);

        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Token));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("pgvector", error.Fix, StringComparison.Ordinal);
        Assert.Null(await empty.ExecuteAsync("select to_regclass('slipway.documents')::text"));
    }

    [Fact]
    public async Task A_password_that_is_wrong()
    {
        await using var login = await TestLogin.CreateAsync(_test, "slipway_app");
        var wrong = new NpgsqlConnectionStringBuilder(login.ConnectionString) { Password = "not this one" };
        await using (var connection = new NpgsqlConnection(wrong.ConnectionString + ";Pooling=false"))
        {
            var answer = await Record.ExceptionAsync(() => connection.OpenAsync(Token));
            Assert.SkipWhen(answer is null, "This server asks nobody for a password.");
        }

        await using var database = new PostgresDatabase(
            new() { ConnectionString = wrong.ConnectionString },
            TimeProvider.System
        );
        var error = await Assert.ThrowsAsync<SlipwayException>(async () => await database.OpenAsync(Token));

        Assert.Equal(ErrorClass.Authentication, error.Class);
        Assert.DoesNotContain("not this one", error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The server goes while the schema is made: the next start finds nothing, and makes it.</summary>
    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public async Task Migrations_that_are_cut_off_leave_nothing()
    {
        await using var empty = await PostgresTestDatabase.CreateEmptyAsync();
        await using var proxy = new LoopbackProxy(empty.ConnectionString);
        for (var request = 1; ; request++)
        {
            (proxy.HasCut, proxy.LoseAnswerTo) = (false, proxy.Requests + request);
            await using var store = new PostgresStoreFixture(
                empty,
                new FixedClock(),
                owns: false,
                new PostgresStorageOptions { ConnectionString = proxy.ConnectionString }
            );
            await store.Database.OpenAsync(Token);
            await new Corpus(store).ListAsync();
            if (!proxy.HasCut)
            {
                break;
            }

            await empty.ExecuteAsync("drop schema slipway cascade; drop extension if exists vector");
        }
    }

    private PostgresDatabase Open(string more = "") =>
        new(new() { ConnectionString = _test.ConnectionString + more }, TimeProvider.System);

    private static async Task<SlipwayException> FailAsync(PostgresDatabase database) =>
        await Assert.ThrowsAsync<SlipwayException>(() => WriteAsync(database));

    private static async Task WriteAsync(PostgresDatabase database) =>
        await database.WriteAsync(
            null,
            session =>
                session.ExecuteAsync("insert into slipway.leases (name) values ('a') on conflict (name) do nothing"),
            Token
        );

    /// <summary>Pauses last a fiftieth.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 50 : dueTime, period);
    }
}
