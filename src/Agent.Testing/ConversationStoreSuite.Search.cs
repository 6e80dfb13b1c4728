using Slipway.Agents.Conversations;

namespace Slipway.Agents.Testing;

public abstract partial class ConversationStoreSuite
{
    [Theory]
    [InlineData("espresso", "c2,c1")]
    [InlineData("ESPRESSO machine", "c2")] // each word somewhere in the conversation
    [InlineData("  boiler\n espresso ", "c1")]
    [InlineData("scale", "c1")] // a part of a word
    [InlineData("holiday", "c3")] // the title alone
    [InlineData("GRÖßE", "c3")] // beyond ASCII
    [InlineData("😀", "c3")]
    [InlineData("100%", "c2")]
    [InlineData("100_", "")]
    [InlineData("a\"b", "c2")]
    [InlineData("role", "")] // how a message is stored is not what it says
    [InlineData("assistant", "")]
    [InlineData("superseded", "")]
    [InlineData("secret", "")] // another's
    [InlineData("", "")]
    [InlineData(" \t ", "")]
    public async Task A_search_finds_conversations_that_hold_every_word(string query, string expected)
    {
        await SayAsync(Ada, "c1", "How do I descale the boiler?", "Espresso needs citric acid.");
        _time.Advance(TimeSpan.FromSeconds(1));
        await SayAsync(Ada, "c2", "Is this espresso?", "A machine at 100% says \"a\"b\".");
        _time.Advance(TimeSpan.FromSeconds(1));
        await SayAsync(Ada, "c3", "Die Größe 😀?", "Superseded", title: "My Holiday");
        await StartAsync(Ada, "c3", null);
        await SayAsync(Eve, "e", "A secret espresso", "ok");
        await SayAsync(AdaElsewhere, "c1", "A secret espresso", "ok");

        var page = await Store.SearchAsync(Ada, query, cancellationToken: Cancellation);

        Assert.Equal(expected, string.Join(',', page.Matches.Select(match => match.Conversation.Id)));
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task A_match_shows_where_it_was_found()
    {
        var text =
            $"{string.Concat(Enumerable.Repeat("before ", 30))}\nneedle\n{string.Concat(Enumerable.Repeat("after ", 60))}";
        await SayAsync(Ada, "c", "hi", text, title: "Needle in a title");
        var answer = (await Store.ReadMessagesAsync(Ada, "c", cancellationToken: Cancellation))[^1].Message.MessageId;

        var match = Assert.Single((await Store.SearchAsync(Ada, "NEEDLE", cancellationToken: Cancellation)).Matches);

        Assert.Equal(answer, match.MessageId);
        Assert.Contains("before needle after", match.Excerpt, StringComparison.Ordinal);
        Assert.StartsWith("…", match.Excerpt, StringComparison.Ordinal);
        Assert.EndsWith("…", match.Excerpt, StringComparison.Ordinal);
        Assert.InRange(match.Excerpt!.Length, 100, 170);
        match = Assert.Single((await Store.SearchAsync(Ada, "title", cancellationToken: Cancellation)).Matches);
        Assert.Null(match.MessageId);
        Assert.Null(match.Excerpt);
    }

    [Fact]
    public async Task A_search_is_paged_and_passes_over_what_cannot_be_read()
    {
        for (var i = 0; i < 7; i++)
        {
            await SayAsync(Ada, $"c{i}", i % 2 == 0 ? "needle" : "hay", "ok");
            _time.Advance(TimeSpan.FromSeconds(i == 2 ? 0 : 1)); // two of the same moment
        }

        var broken = (await Store.ReadMessagesAsync(Ada, "c4", cancellationToken: Cancellation))[0];
        await Fixture.OverwriteMessageAsync(broken.Sequence, 1, "{ needle", Cancellation);
        List<string> seen = [];
        string? after = null;
        do
        {
            var page = await Store.SearchAsync(Ada, "needle", 1, after, Cancellation);
            Assert.InRange(page.Matches.Count, 0, 1);
            seen.AddRange(page.Matches.Select(match => match.Conversation.Id));
            after = page.Next;
        } while (after is not null);

        Assert.Equal(["c6", "c2", "c0"], seen);
        await Assert.ThrowsAsync<SlipwayException>(async () =>
            await Store.SearchAsync(Ada, "needle", 1, "nonsense", Cancellation)
        );
    }

    [Fact]
    public async Task A_title_is_replaced_only_while_it_is_the_one_expected()
    {
        await SayAsync(Ada, "c", "hi", "ok", title: "hi");
        Assert.False(await Store.ReplaceTitleAsync(Eve, "c", "hi", "Mine", Cancellation));
        Assert.False(await Store.ReplaceTitleAsync(AdaElsewhere, "c", "hi", "Mine", Cancellation));
        Assert.True(await Store.ReplaceTitleAsync(Ada, "c", "hi", "A greeting", Cancellation));
        Assert.False(await Store.ReplaceTitleAsync(Ada, "c", "hi", "Another", Cancellation));
        Assert.Equal("A greeting", (await Store.FindAsync(Ada, "c", Cancellation))!.Title);
    }
}
