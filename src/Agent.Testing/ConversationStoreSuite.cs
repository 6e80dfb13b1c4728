using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

/// <summary><see cref="IConversationStore"/>: conversations, messages and turns, each principal's own.</summary>
/// <param name="open">Opens the store under test.</param>
public abstract partial class ConversationStoreSuite(OpenConversationStore open) : IAsyncLifetime
{
    private static readonly Principal Ada = new("t1", "ada");
    private static readonly Principal Eve = new("t1", "eve");
    private static readonly Principal AdaElsewhere = new("t2", "ada");

    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly Dictionary<(Principal, string), string> _started = [];
    private ConversationStoreFixture? _fixture;

    /// <summary>The store under test.</summary>
    protected ConversationStoreFixture Fixture =>
        _fixture ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IConversationStore Store => Fixture.Conversations;

    private ITurnStore Turns => Fixture.Turns;

    /// <summary>Makes the database.</summary>
    public virtual async ValueTask InitializeAsync() => _fixture = await open(_time, Cancellation);

    /// <summary>Removes it.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_fixture is not null)
        {
            await _fixture.DisposeAsync();
        }
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
            var page = await Store.ListAsync(Ada, 2, after, Cancellation);
            seen.AddRange(page.Conversations.Select(conversation => conversation.Id));
            after = page.Next;
        } while (after is not null);

        Assert.Equal(["c4", "c3", "c2", "c1", "c0"], seen);
        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await Store.ListAsync(Ada, 2, "nonsense", Cancellation)
        );
        Assert.Equal(ErrorClass.Permanent, error.Class);
    }

    [Fact]
    public async Task A_conversation_is_renamed_and_deleted_with_all_it_holds()
    {
        await SayAsync(Ada, "c", "hi", "ok", title: "First");
        Assert.Equal("First", (await Store.FindAsync(Ada, "c", Cancellation))!.Title);

        Assert.True(await Store.RenameAsync(Ada, "c", "Better", Cancellation));
        await SayAsync(Ada, "c", "more", "ok", title: "Not this");
        Assert.Equal("Better", (await Store.FindAsync(Ada, "c", Cancellation))!.Title);

        Assert.True(await Store.DeleteAsync(Ada, "c", Cancellation));
        Assert.Null(await Store.FindAsync(Ada, "c", Cancellation));
        Assert.False(await Store.DeleteAsync(Ada, "c", Cancellation));
        foreach (var kind in new[] { ConversationRow.Conversations, ConversationRow.Messages, ConversationRow.Turns })
        {
            Assert.Equal(0, await Fixture.CountAsync(kind, Cancellation));
        }

        Assert.Equal(2, await Fixture.CountAsync(ConversationRow.Usage, Cancellation));
    }

    [Fact, Trait("Parity", "S15")]
    public async Task A_window_begins_with_a_users_message()
    {
        for (var i = 1; i <= 4; i++)
        {
            await SayAsync(Ada, "c", $"q{i}", $"a{i}", "and");
        }

        Assert.Equal(["q3", "a3", "and", "q4", "a4", "and"], await TextsAsync(Ada, "c", 2));
        var third = (await Store.ReadMessagesAsync(Ada, "c", 2, cancellationToken: Cancellation))[0];
        Assert.Equal(
            ["q2", "a2", "and"],
            (await Store.ReadMessagesAsync(Ada, "c", 1, third.Sequence, Cancellation)).Select(message =>
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
        var answer = (await Store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation))[^1].Message.MessageId!;
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
        var stored = await Store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation);
        await Fixture.OverwriteMessageAsync(stored[0].Sequence, 1, "{\"role\":", Cancellation);
        await Fixture.OverwriteMessageAsync(stored[1].Sequence, 99, "{}", Cancellation);
        await Fixture.OverwriteMessageAsync(
            stored[2].Sequence,
            1,
            "{\"contents\":[{\"$type\":\"from the future\"}]}",
            Cancellation
        );

        Assert.Equal("a2", (await TextsAsync(Ada, "c"))[^1]);
        await SayAsync(Ada, "c", "q3", "a3");
        Assert.Equal(["a2", "q3", "a3"], (await TextsAsync(Ada, "c")).TakeLast(3));
    }

    [Fact]
    public async Task What_databases_refuse_is_replaced()
    {
        await StartAsync(Ada, "c", "a\0b \uD83D lone, 😀 whole");
        await FinishAsync(Ada, "c", "\\u0000 is written so");

        Assert.Equal(["a\uFFFDb \uFFFD lone, 😀 whole", "\\u0000 is written so"], await TextsAsync(Ada, "c"));
    }

    [Fact]
    public async Task Another_process_sees_it_all()
    {
        await SayAsync(Ada, "c", "q", "a");
        await using var other = await Fixture.ReopenAsync(Cancellation);
        var again = other.Conversations;

        var messages = await again.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation);

        Assert.Equal(["q", "a"], messages.Select(message => message.Message.Text));
        Assert.Equal(TurnStatus.Completed, messages[1].TurnStatus);
        var turn = await again.FindLastTurnAsync(Ada, "c", Cancellation);
        Assert.Equal(
            ("stop", new TurnUsage(3, 4), _time.GetUtcNow()),
            (turn!.FinishReason!, turn.Usage!, turn.FinishedAt!.Value)
        );
    }

    [Fact]
    public async Task A_conversation_tells_when_it_began_and_when_it_went_on()
    {
        var began = _time.GetUtcNow();
        await StartAsync(Ada, "it's 京都 😀", "hi");
        _time.Advance(TimeSpan.FromMinutes(5));
        await FinishAsync(Ada, "it's 京都 😀", "ok");

        var conversation = (await Store.FindAsync(Ada, "it's 京都 😀", Cancellation))!;
        Assert.Equal(
            ("it's 京都 😀", null, began, _time.GetUtcNow()),
            (conversation.Id, conversation.Title, conversation.CreatedAt, conversation.LastMessageAt)
        );
        Assert.Equal(
            conversation,
            Assert.Single((await Store.ListAsync(Ada, cancellationToken: Cancellation)).Conversations)
        );
        Assert.Empty(await Store.ReadMessagesAsync(Ada, "another", cancellationToken: Cancellation));
        Assert.Null(await Store.FindLastTurnAsync(Ada, "another", Cancellation));
        Assert.Null(await Store.FindTurnAsync(Ada, "another", Cancellation));
    }

    [Fact]
    public async Task Messages_come_back_as_they_were_in_order_with_id_turn_and_time()
    {
        var start = Start(Ada, "c", "q", "u1") with
        {
            Messages =
            [
                new(ChatRole.User, [new TextContent("look"), new DataContent(new byte[] { 1, 2, 3 }, "image/png")])
                {
                    MessageId = "u1",
                },
            ],
        };
        await Turns.StartTurnAsync(start, Cancellation);
        ChatMessage calling = new(
            ChatRole.Assistant,
            [new FunctionCallContent("call", "add", new Dictionary<string, object?> { ["a"] = "\"1\"" })]
        )
        {
            MessageId = "a1",
        };
        ChatMessage result = new(ChatRole.Tool, [new FunctionResultContent("call", "3")]) { MessageId = "r1" };
        ChatMessage answer = new(ChatRole.Assistant, new string('x', 300_000)) { MessageId = "a2" };
        var output = Output(Ada, "c", start.TurnId, "") with { Messages = [calling, result] };
        await Turns.WriteAsync(output, Cancellation);
        await Turns.WriteAsync(output, Cancellation); // sent again after a lost answer: stored once
        await Turns.WriteAsync(
            output with
            {
                Messages = [answer],
                End = new(TurnStatus.Failed, "error", new(10, 20), ErrorClass.Transient, "The model is out."),
            },
            Cancellation
        );

        var messages = await Store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation);
        Assert.Equal(["u1", "a1", "r1", "a2"], messages.Select(message => message.Message.MessageId));
        Assert.Equal(
            messages.Select(message => message.Sequence).Order(),
            messages.Select(message => message.Sequence)
        );
        Assert.All(messages, message => Assert.Equal(start.TurnId, message.TurnId));
        Assert.All(messages, message => Assert.Equal(TurnStatus.Failed, message.TurnStatus));
        Assert.All(messages, message => Assert.Equal(_time.GetUtcNow(), message.CreatedAt));
        Assert.Equal([1, 2, 3], messages[0].Message.Contents.OfType<DataContent>().Single().Data.ToArray());
        var call = messages[1].Message.Contents.OfType<FunctionCallContent>().Single();
        Assert.Equal(("call", "add", "\"1\""), (call.CallId, call.Name, call.Arguments!["a"]!.ToString()));
        Assert.Equal(300_000, messages[3].Message.Text.Length);
        var turn = (await Store.FindTurnAsync(Ada, start.TurnId, Cancellation))!;
        Assert.Equal(
            (TurnStatus.Failed, "error", "The model is out.", new TurnUsage(10, 20)),
            (turn.Status, turn.FinishReason, turn.Error, turn.Usage)
        );
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
        await Turns.StartTurnAsync(start, Cancellation);
        if (more is not null)
        {
            await Turns.WriteAsync(Output(principal, conversation, start.TurnId, answer), Cancellation);
        }

        await Turns.WriteAsync(
            Output(principal, conversation, start.TurnId, more ?? answer) with
            {
                Model = "m",
                Usage = new(3, 4),
                End = new(TurnStatus.Completed, "stop", new(3, 4)),
            },
            Cancellation
        );
    }

    private async Task StartAsync(
        Principal principal,
        string conversation,
        string? question,
        string? messageId = null
    ) =>
        _started[(principal, conversation)] = (
            await Turns.StartTurnAsync(Start(principal, conversation, question, messageId), Cancellation)
        ).TurnId;

    private async Task FinishAsync(Principal principal, string conversation, string answer)
    {
        var turn = _started.GetValueOrDefault((principal, conversation), "no-turn");
        await Turns.WriteAsync(
            Output(principal, conversation, turn, answer) with
            {
                End = new(TurnStatus.Completed, "stop"),
            },
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
            FencingToken = 1, // of the first owner
            Messages = [new(ChatRole.Assistant, answer) { MessageId = Guid.NewGuid().ToString() }],
        };

    private async Task<List<string>> TextsAsync(
        Principal principal,
        string conversation,
        int exchanges = int.MaxValue
    ) =>
        [
            .. (
                await Store.ReadMessagesAsync(principal, conversation, exchanges, cancellationToken: Cancellation)
            ).Select(message => message.Message.Text),
        ];
}
