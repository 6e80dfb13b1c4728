using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Testing;

/// <summary><see cref="ITurnStore"/>: one turn at a time, one owner at a time, a log without gaps.</summary>
/// <param name="open">Opens the store under test.</param>
public abstract partial class TurnStoreSuite(OpenConversationStore open) : IAsyncLifetime
{
    private static readonly Principal Ada = new("t1", "ada");
    private static readonly TimeSpan Held = TimeSpan.FromSeconds(10);

    // Ends a test that waits in vain; what passes never waits for it.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private ConversationStoreFixture? _fixture;

    /// <summary>The store under test.</summary>
    protected ConversationStoreFixture Fixture =>
        _fixture ?? throw new InvalidOperationException("The test has not begun.");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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
    public async Task Events_of_every_kind_are_read_back_in_order()
    {
        TurnEvent[] events =
        [
            new TurnStarted("t", "c", "m"),
            new StepStarted(1),
            new ReasoningDelta("1.1", "hm"),
            new TextDelta("1.2", "a\0b \uD83D lone, 😀 whole [1]"),
            new ToolCallStarted("call", "add", JsonElement.Parse("""{"a":[1,"ü"]}""")),
            new ToolCallFinished("call", "add", JsonElement.Parse("3")),
            new ToolCallFinished("call", "add", JsonElement.Parse("\"Error\""), "It broke."),
            new CitationAdded(
                new()
                {
                    Number = 1,
                    Passage = new("d", 2, 3, 9),
                    Title = "T",
                    Name = "n.md",
                    Headings = ["h"],
                    Uri = "https://example.com",
                    Quote = "a copy",
                    Verified = true,
                }
            ),
            new StepFinished(1, new(1, 2)),
            new TurnFailed(ErrorClass.Transient, "Again later."),
            new TurnFinished(TurnStatus.Failed, "error", null),
        ];
        await Turns.StartTurnAsync(Start("t") with { Events = events[..2] }, Cancellation);
        Assert.True(await Turns.WriteAsync(Output("t") with { FirstSequence = 3, Events = events[2..] }, Cancellation));

        var read = await Turns.ReadEventsAsync(Ada, "t", cancellationToken: Cancellation);

        Assert.Equal(Enumerable.Range(1, events.Length), read.Select(item => (int)item.Sequence));
        Assert.Equal(
            events.Select(Json).Select(json => json.Replace("a copy", "", StringComparison.Ordinal)),
            read.Select(item => Json(item.Event!))
        );
        Assert.Null(read.Select(item => item.Event).OfType<CitationAdded>().Single().Citation.Quote);
        Assert.Equal(
            [4, 5],
            (await Turns.ReadEventsAsync(Ada, "t", 3, 2, Cancellation)).Select(item => (int)item.Sequence)
        );
        Assert.Empty(await Turns.ReadEventsAsync(Ada, "t", events.Length, cancellationToken: Cancellation));

        static string Json(TurnEvent item) =>
            item is CitationAdded { Citation: var citation }
                ? $"{citation with { Quote = "", Headings = [] }} {string.Join(' ', citation.Headings)}"
                : item.ToString()!
                    .Replace("\0", "\uFFFD", StringComparison.Ordinal)
                    .Replace("\uD83D lone", "\uFFFD lone", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steps_are_stored_before_and_after()
    {
        var model = Step(1, TurnStepKind.Model);
        await Turns.StartTurnAsync(Start("t") with { Step = model }, Cancellation);
        var tool = Step(2, TurnStepKind.Tool) with { Name = "add", CallId = "call" };
        await Turns.WriteAsync(Output("t") with { Steps = [Finished(model), tool] }, Cancellation);
        Assert.Equal([Finished(model), tool], await Turns.ReadStepsAsync(Ada, "t", Cancellation));

        var done = Finished(tool) with { Data = """{"result":3}""" };
        await Turns.WriteAsync(Output("t") with { Steps = [done] }, Cancellation);

        Assert.Equal([Finished(model), done], await Turns.ReadStepsAsync(Ada, "t", Cancellation));
    }

    [Fact]
    public async Task The_same_output_again_is_stored_once()
    {
        await Turns.StartTurnAsync(Start("t"), Cancellation);
        var output = Output("t") with
        {
            FirstSequence = 1,
            Events = [new TextDelta("1", "once")],
            Messages = [new(ChatRole.Assistant, "once") { MessageId = "m" }],
            Steps = [Step(1, TurnStepKind.Model)],
        };

        Assert.True(await Turns.WriteAsync(output, Cancellation));
        Assert.True(await Turns.WriteAsync(output, Cancellation));

        Assert.Single(await Turns.ReadEventsAsync(Ada, "t", cancellationToken: Cancellation));
        Assert.Single(await Turns.ReadStepsAsync(Ada, "t", Cancellation));
        Assert.Equal(
            2,
            (await Fixture.Conversations.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation)).Count
        );
    }

    [Fact]
    public async Task A_conversation_has_one_turn_at_a_time()
    {
        await Turns.StartTurnAsync(Start("t1"), Cancellation);

        var refused = await Assert.ThrowsAsync<ConversationBusyException>(async () =>
            await Turns.StartTurnAsync(Start("t2"), Cancellation)
        );
        Assert.Equal(("t1", false), (refused.TurnId, refused.IsAbandoned));
        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Messages, Cancellation));
        await Turns.StartTurnAsync(Start("t3", "another"), Cancellation);

        await Turns.WriteAsync(Output("t1") with { End = new(TurnStatus.Completed, "stop") }, Cancellation);
        await Turns.StartTurnAsync(Start("t2"), Cancellation);
    }

    [Fact]
    public async Task Of_many_who_begin_at_once_one_does()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        for (var round = 0; round < 5; round++)
        {
            var conversation = $"c{round}";
            var began = await Task.WhenAll(
                Enumerable
                    .Range(0, 6)
                    .Select(i =>
                        Task.Run(
                            async () =>
                            {
                                try
                                {
                                    await (i % 2 == 0 ? Turns : other.Turns).StartTurnAsync(
                                        Start($"{conversation}-{i}", conversation),
                                        Cancellation
                                    );
                                    return 1;
                                }
                                catch (ConversationBusyException)
                                {
                                    return 0;
                                }
                            },
                            Cancellation
                        )
                    )
            );
            Assert.Equal(1, began.Sum());
        }
    }

    [Fact]
    public async Task A_request_with_a_known_key_gets_the_first_ones_turn()
    {
        var start = Start("t1") with { IdempotencyKey = "key", RequestHash = "h" };
        Assert.Equal(new("t1", new("t1", 1)), await Turns.StartTurnAsync(start, Cancellation));

        Assert.Equal(new("t1", null), await Turns.StartTurnAsync(start with { TurnId = "t2" }, Cancellation));
        await Turns.WriteAsync(Output("t1") with { End = new(TurnStatus.Completed, "stop") }, Cancellation);
        Assert.Equal(new("t1", null), await Turns.StartTurnAsync(start with { TurnId = "t2" }, Cancellation));

        await Assert.ThrowsAsync<SlipwayException>(async () =>
            await Turns.StartTurnAsync(start with { TurnId = "t2", RequestHash = "other" }, Cancellation)
        );
        await Assert.ThrowsAsync<SlipwayException>(async () =>
            await Turns.StartTurnAsync(
                start with
                {
                    TurnId = "t2",
                    ConversationId = "d",
                    RequestHash = "other",
                },
                Cancellation
            )
        );
        Assert.Null(await Fixture.Conversations.FindAsync(Ada, "d", Cancellation));
        var eve = start with { TurnId = "t3", ConversationId = "e", Principal = new("t1", "eve") };
        Assert.NotNull((await Turns.StartTurnAsync(eve, Cancellation)).Lease); // each user has keys of their own
    }

    [Fact]
    public async Task Of_many_with_one_key_one_begins_and_all_have_its_turn()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        var admissions = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(i =>
                    Task.Run(
                        async () =>
                            await (i % 2 == 0 ? Turns : other.Turns).StartTurnAsync(
                                Start($"t{i}") with
                                {
                                    IdempotencyKey = "key",
                                    RequestHash = "h",
                                },
                                Cancellation
                            ),
                        Cancellation
                    )
                )
        );

        Assert.Single(admissions.Select(admission => admission.TurnId).Distinct());
        Assert.Single(admissions, admission => admission.Lease is not null);
    }

    [Fact]
    public async Task What_a_turn_has_spent_is_counted_also_when_it_is_lost()
    {
        await Turns.StartTurnAsync(Start("t"), Cancellation);
        await Fixture.Conversations.DeleteAsync(Ada, "c", Cancellation);

        Assert.False(await Turns.WriteAsync(Output("t") with { Usage = new(3, 4) }, Cancellation));

        Assert.Equal(1, await Fixture.CountAsync(ConversationRow.Usage, Cancellation));
    }

    [Fact]
    public async Task Steps_and_events_of_ended_turns_are_removed_in_time()
    {
        foreach (var (turn, end) in new[] { ("old", true), ("running", false), ("new", true) })
        {
            await Turns.StartTurnAsync(
                Start(turn, turn) with
                {
                    Events = [new StepStarted(1)],
                    Step = Step(1, TurnStepKind.Model),
                },
                Cancellation
            );
            if (end)
            {
                await Turns.WriteAsync(
                    Output(turn, turn) with
                    {
                        End = new(TurnStatus.Completed, "stop"),
                        Messages = [new(ChatRole.Assistant, "kept") { MessageId = turn }],
                    },
                    Cancellation
                );
            }

            _time.Advance(TimeSpan.FromHours(1));
        }

        Assert.Equal(1, await Turns.TrimAsync(_time.GetUtcNow() - TimeSpan.FromHours(2), 10, Cancellation));
        Assert.Equal(0, await Turns.TrimAsync(_time.GetUtcNow() - TimeSpan.FromHours(2), 10, Cancellation));

        Assert.Equal(2, await Fixture.CountAsync(ConversationRow.Events, Cancellation));
        Assert.Equal(2, await Fixture.CountAsync(ConversationRow.Steps, Cancellation));
        Assert.Equal(5, await Fixture.CountAsync(ConversationRow.Messages, Cancellation));
    }

    private static TurnStart Start(string turn, string conversation = "c") =>
        new()
        {
            TurnId = turn,
            Principal = Ada,
            ConversationId = conversation,
            Messages = [new(ChatRole.User, "q") { MessageId = "q-" + turn }],
            LeaseDuration = Held,
            Request = "{}",
        };

    private static TurnOutput Output(string turn, string conversation = "c", long token = 1) =>
        new()
        {
            TurnId = turn,
            Principal = Ada,
            ConversationId = conversation,
            FencingToken = token,
            FirstSequence = 1,
        };

    private static TurnStep Step(int number, TurnStepKind kind) =>
        new()
        {
            Number = number,
            Kind = kind,
            Status = TurnStepStatus.Started,
        };

    private static TurnStep Finished(TurnStep step) => step with { Status = TurnStepStatus.Finished };
}
