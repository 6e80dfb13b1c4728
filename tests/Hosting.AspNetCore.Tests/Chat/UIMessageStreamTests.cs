using System.Text.Json;
using CsCheck;
using Slipway.Agents.Turns;
using Slipway.Hosting.Chat;

namespace Slipway.Hosting.AspNetCore.Tests.Chat;

/// <summary>The projection by itself: what opens is closed, whatever comes.</summary>
[Trait("Tier", "fast")]
public sealed class UIMessageStreamTests
{
    [Fact]
    public void A_new_block_closes_the_one_before()
    {
        Assert.Equal(
            "reasoning-start:r1 reasoning-delta:r1 reasoning-end:r1 text-start:t1 text-delta:t1 text-delta:t1 text-end:t1 "
                + "text-start:t2 text-delta:t2 text-end:t2 finish-step",
            Project(
                new ReasoningDelta("r1", "Hm."),
                new TextDelta("t1", "a"),
                new TextDelta("t1", "b"),
                new TextDelta("t2", "c"),
                new StepFinished(1, null)
            )
        );
    }

    [Fact]
    public void A_tool_that_fails_shows_its_error() =>
        Assert.Equal(
            "tool-input-available tool-output-error",
            Project(
                new ToolCallStarted("c", "search_knowledge", JsonElement.Parse("{}")),
                new ToolCallFinished("c", "search_knowledge", JsonElement.Parse("null"), "Out of order.")
            )
        );

    [Fact]
    public void A_turn_that_was_stopped_aborts_and_finishes() =>
        Assert.Equal(
            "text-start:t text-delta:t text-end:t finish-step abort finish",
            Project(new TextDelta("t", "Half"), new TurnFinished(TurnStatus.Cancelled, "stop", null))
        );

    [Theory]
    [InlineData("stop", "stop")]
    [InlineData("length", "length")]
    [InlineData("content_filter", "content-filter")]
    [InlineData("tool_calls", "tool-calls")]
    [InlineData("error", "error")]
    [InlineData("tired", "other")]
    public void Reasons_are_the_protocols_own(string reason, string expected)
    {
        var chunk = new UIMessageStream().Project(new TurnFinished(TurnStatus.Completed, reason, null)).Single();
        Assert.Equal(expected, Assert.IsType<UIMessageChunk.Finish>(chunk).FinishReason);
    }

    [Fact]
    public void Whatever_happens_every_block_and_step_is_closed_once_and_the_finish_is_last()
    {
        var something = Gen.OneOf<TurnEvent>(
            Gen.Int[1, 3].Select(TurnEvent (i) => new TextDelta("t" + i, "x")),
            Gen.Int[1, 3].Select(TurnEvent (i) => new ReasoningDelta("r" + i, "x")),
            Gen.Const<TurnEvent>(new ToolCallStarted("c", "f", JsonElement.Parse("{}"))),
            Gen.Const<TurnEvent>(new ToolCallFinished("c", "f", JsonElement.Parse("1"))),
            Gen.Const<TurnEvent>(new StepFinished(1, null)),
            Gen.Const<TurnEvent>(new StepStarted(2)),
            Gen.Const<TurnEvent>(new TurnFailed(ErrorClass.Transient, "Out."))
        );
        something
            .List[0, 20]
            .Sample(events =>
            {
                var chunks = Project(
                        [.. events, new TurnFinished(TurnStatus.Completed, "stop", null)],
                        new StepStarted(1)
                    )
                    .Split(' ');
                var open = new HashSet<string>();
                foreach (var chunk in chunks)
                {
                    var (type, id) = (chunk.Split(':')[0], chunk.Split(':')[^1]);
                    if (type is "text-start" or "reasoning-start")
                    {
                        Assert.Empty(open); // one at a time
                        open.Add(id);
                    }
                    else if (type is "text-delta" or "reasoning-delta")
                    {
                        Assert.Contains(id, open);
                    }
                    else if (type is "text-end" or "reasoning-end")
                    {
                        Assert.True(open.Remove(id));
                    }
                    else if (type is "finish-step" or "finish")
                    {
                        Assert.Empty(open);
                    }
                }

                Assert.Equal("finish", chunks[^1]);
                Assert.Single(chunks, "finish");
            });
    }

    private static string Project(params TurnEvent[] events) =>
        Project(events, new StepStarted(1)).Replace("start-step ", "", StringComparison.Ordinal);

    private static string Project(TurnEvent[] events, StepStarted first)
    {
        var stream = new UIMessageStream();
        return string.Join(' ', events.Prepend(first).SelectMany(item => stream.Project(item).ToList()).Select(Name));
    }

    private static string Name(UIMessageChunk chunk)
    {
        var json = JsonSerializer.SerializeToElement(chunk, ChatJsonContext.Default.UIMessageChunk);
        return json.TryGetProperty("id", out var id) ? $"{json.Type()}:{id}" : json.Type()!;
    }
}
