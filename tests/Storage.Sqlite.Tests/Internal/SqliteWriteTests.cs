using System.Collections.Concurrent;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Internal;

/// <summary>Writes that meet at the one writer.</summary>
public sealed class SqliteWriteTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<string> _statements = [];
    private readonly SqliteDatabase _database;

    public SqliteWriteTests() =>
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(_folder.Path, "slipway.db") },
            TimeProvider.System
        )
        {
            Observe = _statements.Enqueue,
        };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_comes_while_another_is_written_is_committed_together_and_who_fails_fails_alone()
    {
        using var busy = await BusyAsync();
        var before = Commits;

        var first = InsertAsync("first").AsTask();
        var failing = _database
            .WriteAsync(
                session =>
                {
                    Insert(session, "failing");
                    throw new InvalidOperationException("no");
                },
                Token
            )
            .AsTask();
        var last = InsertAsync("last").AsTask();
        await busy.EndAsync();

        await first;
        await last;
        Assert.Equal("no", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message);
        Assert.Equal(["busy", "first", "last"], await NamesAsync());
        Assert.Equal(2, Commits - before);
    }

    [Fact]
    public async Task Who_is_cancelled_while_waiting_has_written_nothing()
    {
        using var busy = await BusyAsync();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var waiting = InsertAsync("waiting", cancellation.Token).AsTask();

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await busy.EndAsync();
        Assert.Equal(["busy"], await NamesAsync());
    }

    [Fact]
    public async Task Closing_waits_for_what_is_written_and_tells_those_who_wait()
    {
        using var busy = await BusyAsync();
        var waiting = InsertAsync("waiting").AsTask();

        var closing = Task.Run(_database.Dispose, Token);
        await Eventually.IsAsync(() => _database.IsDisposed);
        Assert.False(closing.IsCompleted);
        await busy.EndAsync();

        await closing;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        using var again = new SqliteDatabase(new SqliteStorageOptions { Path = _database.Path }, TimeProvider.System);
        Assert.Equal(
            "busy",
            await again.ReadAsync(session => session.Scalar("select group_concat(name) from sources"), Token)
        );
    }

    [Fact]
    public async Task On_a_full_disk_what_was_confirmed_is_there_and_nothing_else()
    {
        await _database.WriteAsync(session => session.Execute("pragma max_page_count = 300"), Token);
        using var busy = await BusyAsync();
        var names = new[] { "a", "b", "large", "c" };
        var writes = names
            .Select(name => InsertAsync(name.PadRight(name == "large" ? 2_000_000 : name.Length), Token).AsTask())
            .ToList();
        await busy.EndAsync();

        var confirmed = new List<string> { "busy" };
        foreach (var (name, write) in names.Zip(writes))
        {
            try
            {
                await write;
                confirmed.Add(name);
            }
            catch (SlipwayException exception)
            {
                Assert.Contains("full", exception.Message, StringComparison.Ordinal);
            }
        }

        Assert.DoesNotContain("large", confirmed);
        Assert.Equal(confirmed.Order(), await NamesAsync());
    }

    [Fact]
    public async Task The_log_is_moved_into_the_file_while_the_database_is_open()
    {
        await InsertAsync(new string('x', 20_000_000));

        await Eventually.IsAsync(() => new FileInfo(_database.Path).Length > 18_000_000);
    }

    private int Commits => _statements.Count(statement => statement == "commit");

    private ValueTask<int> InsertAsync(string name, CancellationToken? cancellationToken = null) =>
        _database.WriteAsync(session => Insert(session, name), cancellationToken ?? Token);

    private static int Insert(SqliteSession session, string name) =>
        session.Execute("insert into sources (tenant, collection, name, created_at) values ('t', 'c', $1, 1)", name);

    private ValueTask<List<string>> NamesAsync() =>
        _database.ReadAsync(
            session =>
            {
                using var reader = session.Query("select name from sources order by name");
                var names = new List<string>();
                while (reader.Read())
                {
                    names.Add(reader.GetString(0));
                }

                return names;
            },
            Token
        );

    private async Task<Busy> BusyAsync()
    {
        var busy = new Busy();
        busy.Writing = Task.Run(
            () =>
                _database
                    .WriteAsync(
                        session =>
                        {
                            Insert(session, "busy");
                            busy.Wait();
                        },
                        Token
                    )
                    .AsTask(),
            Token
        );
        await busy.Begun;
        return busy;
    }

    /// <summary>A transaction that lasts until it is told to end.</summary>
    private sealed class Busy : IDisposable
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _end = new();

        public Task Begun => _begun.Task;

        public Task Writing { get; set; } = Task.CompletedTask;

        public void Wait()
        {
            _begun.SetResult();
            _end.Wait(Token);
        }

        public Task EndAsync()
        {
            _end.Set();
            return Writing;
        }

        public void Dispose()
        {
            _end.Set();
            _end.Dispose();
        }
    }
}
