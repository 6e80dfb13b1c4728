using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Sources;

namespace Slipway.Rag.Testing;

// Very many documents, cancelling, and waiting for a change.
public abstract partial class SourceSuite
{
    // Ends a test that waits in vain; what passes never waits for it.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    [Fact]
    public async Task Very_many_documents_are_listed_once_each()
    {
        await WriteManyAsync();

        var documents = await ListAsync();

        Assert.Equal(Many, documents.Count);
        Assert.Equal(Many, documents.Select(document => document.ExternalId).Distinct().Count());
    }

    [Fact]
    public async Task A_listing_reads_as_it_goes()
    {
        Assert.SkipUnless(Place.Streams, "A listing is one moment's state here.");
        await WriteManyAsync();
        await using var listing = Source.ListAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await listing.MoveNextAsync());

        for (var i = 0; i < Many; i++)
        {
            await Place.DeleteAsync(ManyName(i), Token);
        }

        var listed = 1;
        while (await listing.MoveNextAsync())
        {
            listed++;
        }

        Assert.InRange(listed, 1, Many / 2);
    }

    [Fact]
    public async Task A_listing_that_is_given_up_disturbs_no_other()
    {
        await WriteAsync("a.md", "a");
        await WriteAsync("b.md", "b");

        Assert.NotNull(await Source.ListAsync(Token).FirstAsync(Token));

        Assert.Equal(2, (await ListAsync()).Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Cancelling_ends_a_listing(int after)
    {
        for (var i = 0; i < 3; i++)
        {
            await WriteAsync($"{i}.md", "some");
        }

        using var cancel = new CancellationTokenSource();
        var listed = 0;

        if (after == 0)
        {
            await cancel.CancelAsync();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Source.ListAsync(cancel.Token))
            {
                if (++listed == after)
                {
                    await cancel.CancelAsync();
                }
            }
        });

        Assert.Equal(after, listed);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("")]
    public async Task What_was_cancelled_is_not_opened(string content)
    {
        await WriteAsync("a.md", content);
        var document = Assert.Single(await ListAsync());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Source.OpenAsync(document, new CancellationToken(canceled: true))
        );
    }

    [Fact]
    public async Task A_wait_ends_at_the_interval_by_the_clock_it_was_given()
    {
        var clock = new FakeTimeProvider();
        await Source.WaitForChangeAsync(TimeSpan.Zero, clock, Token).WaitAsync(Bound, Token);
        var waiting = Source.WaitForChangeAsync(Interval, clock, Token);

        clock.Advance(Interval - TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);

        await Eventually.IsAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1)); // again: the wait may have begun on another thread
            return waiting.IsCompleted;
        });
        await waiting;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancelling_ends_a_wait(bool before)
    {
        using var cancel = new CancellationTokenSource();
        if (before)
        {
            await cancel.CancelAsync();
        }

        var waiting = Source.WaitForChangeAsync(Interval, new FakeTimeProvider(), cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Bound, Token));
    }

    [Theory]
    [InlineData("new.md")]
    [InlineData("old.md")]
    [InlineData("folder/new.md")]
    public async Task A_change_ends_a_wait(string name)
    {
        Assert.SkipUnless(Place.NoticesChanges, "This source is looked at by the interval.");
        await WriteAsync("old.md", "old");
        await ListFirstAsync();
        var waiting = Source.WaitForChangeAsync(Interval, TimeProvider.System, Token);

        await WriteAsync(name, "changed");

        await waiting.WaitAsync(Bound, Token);
    }

    [Fact]
    public async Task What_changes_between_a_listing_and_the_wait_ends_the_wait()
    {
        Assert.SkipUnless(Place.NoticesChanges, "This source is looked at by the interval.");
        await ListFirstAsync();
        for (var round = 0; round < 3; round++)
        {
            await WriteAsync($"{round}.md", "new");

            await Source.WaitForChangeAsync(Interval, TimeProvider.System, Token).WaitAsync(Bound, Token);

            Assert.Equal(round + 1, (await ListAsync()).Count);
        }
    }

    /// <summary>As the engine's worker begins: it watches first and lists then.</summary>
    private async Task ListFirstAsync()
    {
        await Source.WaitForChangeAsync(TimeSpan.Zero, TimeProvider.System, Token);
        await ListAsync();
    }

    private async Task WriteManyAsync()
    {
        for (var i = 0; i < Many; i++)
        {
            await WriteAsync(ManyName(i), "many");
        }
    }

    private string ManyName(int i) => $"{i * 10 / Many}/{i}.md";
}
