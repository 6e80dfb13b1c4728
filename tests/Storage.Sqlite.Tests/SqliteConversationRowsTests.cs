using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Agents.Turns;
using Slipway.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests;

public sealed class SqliteConversationRowsTests : IDisposable
{
    private static readonly Principal Ada = new("t1", "ada");

    private readonly string _folder = Directory.CreateTempSubdirectory("slipway-conversations-").FullName;
    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SqliteDatabase _database;
    private readonly SqliteConversationStore _store;
    private readonly SqliteTurnStore _turns;

    public SqliteConversationRowsTests()
    {
        _database = new(new SqliteStorageOptions { Path = Path.Combine(_folder, "test.db") }, _time);
        _store = new(_database);
        _turns = new(_database);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_turn_whose_process_is_gone_is_interrupted_and_the_conversation_opens()
    {
        ProcessIdentity gone = new(ProcessIdentity.Current.Host, int.MaxValue, 1);
        await new SqliteTurnStore(_database, gone).StartTurnAsync(Start("q", "dead"), Cancellation);

        var turn = await _store.FindLastTurnAsync(Ada, "c", Cancellation);
        Assert.Equal(("dead", TurnStatus.Interrupted), (turn!.Id, turn.Status));
        Assert.Equal(
            TurnStatus.Interrupted,
            (await _store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation))[0].TurnStatus
        );
        Assert.Equal(["Running"], Query("select status from turns"));

        // It need not be waited for until its lease has expired.
        Assert.Equal(
            new("dead", 2),
            Assert.Single(await _turns.TakeOverAsync(TimeSpan.FromMinutes(1), cancellationToken: Cancellation)).Lease
        );
    }

    [Fact]
    public async Task A_turn_that_the_release_before_left_running_is_closed_when_the_conversation_goes_on()
    {
        await SayAsync("q", "ok");
        await _database.WriteAsync(
            session =>
                session.Execute(
                    """
                    insert into turns (id, tenant, conversation_id, user_id, status, owner, started_at)
                    values ('older', 't1', 'c', 'ada', 'Running', $1, $2)
                    """,
                    $"{ProcessIdentity.Current.Host}/{int.MaxValue}/1",
                    _database.Now
                ),
            Cancellation
        );

        await SayAsync("again", "ok");

        Assert.Equal(["Interrupted"], Query("select status from turns where id = 'older'"));
    }

    [Theory]
    [InlineData("", 0, false)]
    [InlineData("nonsense", 0, false)]
    [InlineData("other-host/1/1", 5, true)]
    [InlineData("other-host/1/1", 90, false)]
    public void Whether_a_process_may_be_alive(string name, int minutes, bool expected) =>
        Assert.Equal(expected, ProcessIdentity.Current.MayBeAlive(name, TimeSpan.FromMinutes(minutes)));

    [Fact]
    public void This_process_is_alive_and_its_number_alone_is_not_enough()
    {
        var current = ProcessIdentity.Current;
        ProcessIdentity other = new(current.Host, 1, 0);

        Assert.True(other.MayBeAlive(current.ToString(), TimeSpan.Zero));
        Assert.False(other.MayBeAlive((current with { StartedAt = current.StartedAt - 60 }).ToString(), TimeSpan.Zero));
    }

    [Fact]
    public async Task What_databases_refuse_is_replaced()
    {
        await SayAsync("a\0b \uD83D lone, 😀 whole", "\\u0000 is written so");

        var messages = await _store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation);
        Assert.Equal(
            ["a\uFFFDb \uFFFD lone, 😀 whole", "\\u0000 is written so"],
            messages.Select(message => message.Message.Text)
        );
        Assert.DoesNotContain(
            Query("select content from messages"),
            content => ((string)content!).Contains('\0', StringComparison.Ordinal)
        );
    }

    private async Task SayAsync(string question, string answer)
    {
        var start = Start(question);
        await _turns.StartTurnAsync(start, Cancellation);
        await _turns.WriteAsync(
            new()
            {
                TurnId = start.TurnId,
                Principal = Ada,
                ConversationId = "c",
                FencingToken = 1,
                Messages = [new(ChatRole.Assistant, answer) { MessageId = Guid.NewGuid().ToString() }],
                End = new(TurnStatus.Completed, "stop"),
            },
            Cancellation
        );
    }

    private static TurnStart Start(string question, string? turn = null) =>
        new()
        {
            TurnId = turn ?? Guid.CreateVersion7().ToString("N"),
            Principal = Ada,
            ConversationId = "c",
            Messages = [new(ChatRole.User, question) { MessageId = Guid.NewGuid().ToString() }],
        };

    private List<object?> Query(string sql)
    {
        using SqliteConnection connection = new($"Data Source={_database.Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        List<object?> values = [];
        while (rows.Read())
        {
            values.Add(rows.IsDBNull(0) ? null : rows.GetValue(0));
        }

        return values;
    }
}
