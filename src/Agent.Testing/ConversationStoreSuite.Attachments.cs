using System.Text;

namespace Slipway.Agents.Testing;

public abstract partial class ConversationStoreSuite
{
    private static readonly byte[] Picture = [0, 1, 2, 254, 255];

    [Fact]
    public async Task An_attachment_is_its_owners_and_its_conversations()
    {
        var added = await Fixture.Attachments.AddAsync(Ada, "c", Picture, "image/png", "a \0 b.png", Cancellation);
        Assert.Null(await Fixture.Attachments.FindAsync(Ada, "c", added.Id, Cancellation)); // not before the conversation
        await SayAsync(Ada, "c", "look", "ok");
        await SayAsync(Ada, "d", "look", "ok");
        await SayAsync(Eve, "e", "look", "ok");

        Assert.Equal("a \uFFFD b.png", added.Name);
        Assert.Equal(("image/png", 5L, _time.GetUtcNow()), (added.MediaType, added.Length, added.CreatedAt));
        Assert.Equal(added, await Fixture.Attachments.FindAsync(Ada, "c", added.Id, Cancellation));
        Assert.Equal(Picture, await Fixture.Attachments.ReadAsync(Ada, "c", added.Id, Cancellation));
        foreach (
            var (principal, conversation, id) in new[]
            {
                (Eve, "c", added.Id),
                (Eve, "e", added.Id),
                (AdaElsewhere, "c", added.Id),
                (Ada, "d", added.Id),
                (Ada, "c", "other"),
                (Ada, "c\0", added.Id),
            }
        )
        {
            Assert.Null(await Fixture.Attachments.FindAsync(principal, conversation, id, Cancellation));
            Assert.Null(await Fixture.Attachments.ReadAsync(principal, conversation, id, Cancellation));
        }
    }

    [Fact]
    public async Task Who_attaches_to_anothers_conversation_attaches_nothing()
    {
        await SayAsync(Ada, "c", "mine", "ok");
        var slipped = await Fixture.Attachments.AddAsync(Eve, "c", Picture, "image/png", null, Cancellation);

        Assert.Null(await Fixture.Attachments.FindAsync(Ada, "c", slipped.Id, Cancellation));
        Assert.Null(await Fixture.Attachments.FindAsync(Eve, "c", slipped.Id, Cancellation));
        Assert.Null(await Fixture.Attachments.ReadAsync(Eve, "c", slipped.Id, Cancellation));
        Assert.Null(await Fixture.Attachments.ReadAsync(Ada, "c", slipped.Id, Cancellation));
    }

    [Fact]
    public async Task The_same_bytes_are_stored_once_and_gone_with_the_last_that_has_them()
    {
        await Fixture.Attachments.AddAsync(Ada, "c", Picture, "image/png", "one.png", Cancellation);
        var again = await Fixture.Attachments.AddAsync(Ada, "c", Picture, "image/png", "two.png", Cancellation);
        Assert.Equal("one.png", again.Name);
        await Fixture.Attachments.AddAsync(Ada, "d", Picture, "image/png", null, Cancellation);
        await Fixture.Attachments.AddAsync(Eve, "e", Picture, "image/png", null, Cancellation);
        await SayAsync(Ada, "c", "look", "ok");
        await SayAsync(Ada, "d", "look", "ok");
        await SayAsync(Eve, "e", "look", "ok");
        Assert.Equal((3, 1), await CountsAsync());

        await Store.DeleteAsync(Ada, "c", Cancellation);
        await Store.DeleteAsync(Ada, "d", Cancellation);
        Assert.Equal((1, 1), await CountsAsync());
        Assert.Equal(Picture, await Fixture.Attachments.ReadAsync(Eve, "e", again.Id, Cancellation));
        await Store.DeleteAsync(Eve, "e", Cancellation);
        Assert.Equal((0, 0), await CountsAsync());
    }

    [Fact]
    public async Task What_was_attached_to_a_conversation_that_never_began_is_swept_up()
    {
        await SayAsync(Ada, "c", "hi", "ok");
        await Fixture.Attachments.AddAsync(Ada, "c", Picture, "image/png", null, Cancellation);
        await Fixture.Attachments.AddAsync(
            Ada,
            "never",
            Encoding.UTF8.GetBytes("waste"),
            "text/plain",
            null,
            Cancellation
        );
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal((2, 2), await CountsAsync());

        await Fixture.Attachments.AddAsync(Ada, "new", Picture, "image/png", null, Cancellation);

        Assert.Equal((2, 1), await CountsAsync());
    }

    [Fact]
    public async Task Bytes_that_are_put_while_their_last_owner_goes_are_kept()
    {
        await using var other = await Fixture.ReopenAsync(Cancellation);
        for (var round = 0; round < 10; round++)
        {
            var (old, now) = ($"old{round}", $"new{round}");
            await Fixture.Attachments.AddAsync(Ada, old, Picture, "image/png", null, Cancellation);
            await SayAsync(Ada, old, "look", "ok");
            await Task.WhenAll(
                Task.Run(async () => await Store.DeleteAsync(Ada, old, Cancellation), Cancellation),
                Task.Run(
                    async () => await other.Attachments.AddAsync(Eve, now, Picture, "image/png", null, Cancellation),
                    Cancellation
                )
            );
            await SayAsync(Eve, now, "look", "ok");
            var id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Picture));
            Assert.Equal(Picture, await Fixture.Attachments.ReadAsync(Eve, now, id, Cancellation));
            await Store.DeleteAsync(Eve, now, Cancellation);
        }
    }

    private async Task<(long Attachments, long Blobs)> CountsAsync() =>
        (
            await Fixture.CountAsync(ConversationRow.Attachments, Cancellation),
            await Fixture.CountAsync(ConversationRow.Blobs, Cancellation)
        );
}
