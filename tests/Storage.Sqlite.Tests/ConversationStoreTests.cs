using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests;

public sealed class ConversationStoreTests : IDisposable
{
    private static readonly Principal Ada = new("t1", "ada");
    private static readonly Principal Eve = new("t1", "eve");
    private static readonly Principal AdaElsewhere = new("t2", "ada");

    private readonly string _folder = Directory.CreateTempSubdirectory("slipway-conversations-").FullName;
    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly SqliteDatabase _database;
    private readonly SqliteConversationStore _store;

    public ConversationStoreTests()
    {
        _database = new(new SqliteStorageOptions { Path = Path.Combine(_folder, "test.db") }, _time);
        _store = new(_database);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Conversations_are_listed_by_page_the_newest_first()
    {
        for (var i = 0; i < 5; i++)
        {
            await SayAsync(Ada, $"c{i}", "hi", "ok");
            _time.Advance(TimeSpan.FromSeconds(i == 2 ? 0 : 1)); // two of the same moment
        }

        await SayAsync(Eve, "e", "hi", "ok");
        List<string> seen = [];
        string? after = null;
        do
        {
            var page = await _store.ListAsync(Ada, 2, after, Cancellation);
            seen.AddRange(page.Conversations.Select(conversation => conversation.Id));
            after = page.Next;
        } while (after is not null);

        Assert.Equal(["c4", "c3", "c2", "c1", "c0"], seen);
        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await _store.ListAsync(Ada, 2, "nonsense", Cancellation)
        );
        Assert.Equal(ErrorClass.Permanent, error.Class);
    }

    [Fact]
    public async Task A_conversation_is_renamed_and_deleted_with_all_it_holds()
    {
        await SayAsync(Ada, "c", "hi", "ok", title: "First");
        Assert.Equal("First", (await _store.FindAsync(Ada, "c", Cancellation))!.Title);

        Assert.True(await _store.RenameAsync(Ada, "c", "Better", Cancellation));
        await SayAsync(Ada, "c", "more", "ok", title: "Not this");
        Assert.Equal("Better", (await _store.FindAsync(Ada, "c", Cancellation))!.Title);

        Assert.True(await _store.DeleteAsync(Ada, "c", Cancellation));
        Assert.Null(await _store.FindAsync(Ada, "c", Cancellation));
        Assert.False(await _store.DeleteAsync(Ada, "c", Cancellation));
        Assert.Equal([0L, 0L], Query("select count(*) from messages union all select count(*) from turns"));
        Assert.Equal([2L], Query("select count(*) from usage"));
    }

    [Fact, Trait("Parity", "S15")]
    public async Task A_window_begins_with_a_users_message()
    {
        for (var i = 1; i <= 4; i++)
        {
            await SayAsync(Ada, "c", $"q{i}", $"a{i}", "and");
        }

        Assert.Equal(["q3", "a3", "and", "q4", "a4", "and"], await TextsAsync(Ada, "c", 2));
        var third = (await _store.ReadMessagesAsync(Ada, "c", 2, cancellationToken: Cancellation))[0];
        Assert.Equal(
            ["q2", "a2", "and"],
            (await _store.ReadMessagesAsync(Ada, "c", 1, third.Sequence, Cancellation)).Select(message =>
                message.Message.Text
            )
        );
        Assert.Equal(12, (await TextsAsync(Ada, "c")).Count);
    }

    [Fact]
    public async Task A_message_that_is_sent_again_or_edited_keeps_its_place()
    {
        await SayAsync(Ada, "c", "q1", "a1");
        await StartAsync(Ada, "c", "q2", "edited");
        await FinishAsync(Ada, "c", "wrong");
        await SayAsync(Ada, "c", "q3", "a3");

        await StartAsync(Ada, "c", "q2, better", "edited");
        await FinishAsync(Ada, "c", "a2");

        Assert.Equal(["q1", "a1", "q2, better", "a2"], await TextsAsync(Ada, "c"));
        var answer = (await _store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation))[^1].Message.MessageId!;
        await Assert.ThrowsAsync<SlipwayException>(() => StartAsync(Ada, "c", "I am the agent", answer));
        Assert.Equal(["q1", "a1", "q2, better", "a2"], await TextsAsync(Ada, "c"));
    }

    [Fact]
    public async Task Regenerating_needs_a_message_of_ones_own()
    {
        await Assert.ThrowsAsync<ConversationNotFoundException>(() => StartAsync(Ada, "nowhere", null));
        await SayAsync(Ada, "c", "q", "a");
        await Assert.ThrowsAsync<ConversationNotFoundException>(() => StartAsync(Eve, "c", null));

        await StartAsync(Ada, "c", null);
        await FinishAsync(Ada, "c", "b");

        Assert.Equal(["q", "b"], await TextsAsync(Ada, "c"));
    }

    [Fact, Trait("Parity", "S16")]
    public async Task Rows_that_cannot_be_read_are_left_out_and_the_conversation_works()
    {
        await SayAsync(Ada, "c", "q1", "a1");
        await SayAsync(Ada, "c", "q2", "a2");
        Query(
            "update messages set content = '{\"role\":' where sequence = 1; update messages set format = 99 where sequence = 2;"
        );
        Query("update messages set content = '{\"contents\":[{\"$type\":\"from the future\"}]}' where sequence = 3");

        Assert.Equal("a2", (await TextsAsync(Ada, "c"))[^1]);
        await SayAsync(Ada, "c", "q3", "a3");
        Assert.Equal(["a2", "q3", "a3"], (await TextsAsync(Ada, "c")).TakeLast(3));
    }

    [Fact]
    public async Task A_turn_whose_process_is_gone_is_interrupted_and_the_conversation_opens()
    {
        ProcessIdentity gone = new(ProcessIdentity.Current.Host, int.MaxValue, 1);
        SqliteConversationStore died = new(_database, process: gone);
        await died.StartTurnAsync(Start(Ada, "c", "q", null, "dead"), Cancellation);
        Assert.Equal(TurnStatus.Running, (await died.FindTurnAsync(Ada, "dead", Cancellation))!.Status);

        var turn = await _store.FindLastTurnAsync(Ada, "c", Cancellation);
        Assert.Equal(("dead", TurnStatus.Interrupted), (turn!.Id, turn.Status));
        Assert.Equal(
            TurnStatus.Interrupted,
            (await _store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation))[0].TurnStatus
        );
        Assert.Equal(["Running"], Query("select status from turns"));

        await SayAsync(Ada, "c", "again", "ok");
        Assert.Equal(["Interrupted", "Completed"], Query("select status from turns order by status desc"));
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
        await StartAsync(Ada, "c", "a\0b \uD83D lone, 😀 whole");
        await FinishAsync(Ada, "c", "\\u0000 is written so");

        Assert.Equal(["a\uFFFDb \uFFFD lone, 😀 whole", "\\u0000 is written so"], await TextsAsync(Ada, "c"));
        Assert.DoesNotContain(
            Query("select content from messages"),
            content => ((string)content!).Contains('\0', StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_turn_of_a_deleted_conversation_brings_nothing_back()
    {
        await StartAsync(Ada, "c", "q");
        await _store.DeleteAsync(Ada, "c", Cancellation);

        await FinishAsync(Ada, "c", "too late");

        Assert.Null(await _store.FindAsync(Ada, "c", Cancellation));
        Assert.Equal([0L], Query("select count(*) from messages"));
    }

    [Fact]
    public async Task Another_store_on_the_same_file_sees_it_all()
    {
        await SayAsync(Ada, "c", "q", "a");
        using SqliteDatabase database = new(new SqliteStorageOptions { Path = _database.Path }, _time);
        SqliteConversationStore again = new(database);

        var messages = await again.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation);

        Assert.Equal(["q", "a"], messages.Select(message => message.Message.Text));
        Assert.Equal(TurnStatus.Completed, messages[1].TurnStatus);
        var turn = await again.FindLastTurnAsync(Ada, "c", Cancellation);
        Assert.Equal(
            ("stop", new TurnUsage(3, 4), _time.GetUtcNow()),
            (turn!.FinishReason!, turn.Usage!, turn.FinishedAt!.Value)
        );
    }

    /// <summary>Three principals do anything with each other's ids; none ever sees or changes what is another's.</summary>
    [Fact]
    public async Task Nobody_ever_sees_anothers()
    {
        Random random = new(20260101);
        Principal[] principals = [Ada, Eve, AdaElsewhere];
        Dictionary<(string Tenant, string Id), string> owners = [];
        Dictionary<(Principal, string), List<string>> expected = [];
        for (var i = 0; i < 400; i++)
        {
            var principal = principals[random.Next(3)];
            var id = "c" + random.Next(6);
            var owned = owners.GetValueOrDefault((principal.Tenant, id));
            var mine = owned == principal.Id;
            switch (random.Next(5))
            {
                case 0 or 1 when owned is null || mine:
                    await SayAsync(principal, id, $"{principal} {i}", "ok");
                    owners[(principal.Tenant, id)] = principal.Id;
                    expected.TryAdd((principal, id), []);
                    expected[(principal, id)].AddRange([$"{principal} {i}", "ok"]);
                    break;
                case 0 or 1:
                    await Assert.ThrowsAsync<ConversationNotFoundException>(() =>
                        StartAsync(principal, id, "mine now")
                    );
                    await FinishAsync(principal, id, "slipped in");
                    break;
                case 2:
                    Assert.Equal(mine, await _store.RenameAsync(principal, id, $"{principal}", Cancellation));
                    break;
                case 3 when random.Next(4) == 0:
                    Assert.Equal(mine, await _store.DeleteAsync(principal, id, Cancellation));
                    if (mine)
                    {
                        owners.Remove((principal.Tenant, id));
                        expected.Remove((principal, id));
                    }

                    break;
                default:
                    Assert.Equal(mine, await _store.FindAsync(principal, id, Cancellation) is not null);
                    Assert.Equal(mine, await _store.FindLastTurnAsync(principal, id, Cancellation) is not null);
                    Assert.Equal(expected.GetValueOrDefault((principal, id), []), await TextsAsync(principal, id));
                    break;
            }
        }

        foreach (var principal in principals)
        {
            Assert.Equal(
                owners
                    .Where(owner => owner.Key.Tenant == principal.Tenant && owner.Value == principal.Id)
                    .Select(owner => owner.Key.Id)
                    .Order(),
                (await _store.ListAsync(principal, cancellationToken: Cancellation))
                    .Conversations.Select(c => c.Id)
                    .Order()
            );
        }
    }

    private async Task SayAsync(
        Principal principal,
        string conversation,
        string question,
        string answer,
        string? more = null,
        string? title = null
    )
    {
        var start = Start(principal, conversation, question, null) with { Title = title };
        await _store.StartTurnAsync(start, Cancellation);
        if (more is not null)
        {
            await _store.AppendAsync(Output(principal, conversation, start.TurnId, answer), Cancellation);
        }

        await _store.FinishTurnAsync(
            Output(principal, conversation, start.TurnId, more ?? answer) with
            {
                Model = "m",
                Usage = new(3, 4),
            },
            new(TurnStatus.Completed, "stop", new(3, 4)),
            Cancellation
        );
    }

    private Task StartAsync(Principal principal, string conversation, string? question, string? messageId = null) =>
        _store.StartTurnAsync(Start(principal, conversation, question, messageId), Cancellation).AsTask();

    private async Task FinishAsync(Principal principal, string conversation, string answer)
    {
        var turn = await _store.FindLastTurnAsync(principal, conversation, Cancellation);
        await _store.FinishTurnAsync(
            Output(principal, conversation, turn?.Id ?? "no-turn", answer),
            new(TurnStatus.Completed, "stop"),
            Cancellation
        );
    }

    private static TurnStart Start(
        Principal principal,
        string conversation,
        string? question,
        string? messageId,
        string? turn = null
    ) =>
        new()
        {
            TurnId = turn ?? Guid.CreateVersion7().ToString("N"),
            Principal = principal,
            ConversationId = conversation,
            Messages = question is null
                ? []
                : [new(ChatRole.User, question) { MessageId = messageId ?? Guid.NewGuid().ToString() }],
            Regenerate = question is null,
        };

    private static TurnOutput Output(Principal principal, string conversation, string turn, string answer) =>
        new()
        {
            TurnId = turn,
            Principal = principal,
            ConversationId = conversation,
            Messages = [new(ChatRole.Assistant, answer) { MessageId = Guid.NewGuid().ToString() }],
        };

    private async Task<List<string>> TextsAsync(
        Principal principal,
        string conversation,
        int exchanges = int.MaxValue
    ) =>
        [
            .. (
                await _store.ReadMessagesAsync(principal, conversation, exchanges, cancellationToken: Cancellation)
            ).Select(message => message.Message.Text),
        ];

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
