namespace Slipway.Rag.Testing;

/// <summary><see cref="IChangeSignal"/>: a wake-up may be spurious, none is lost.</summary>
public abstract class ChangeSignalSuite(OpenCoordination open) : IAsyncLifetime
{
    // Ends a test that waits in vain; what passes never waits for it.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly ChangeTopic Topic = ChangeTopic.Collection("default", "default");
    private static readonly ChangeTopic Other = ChangeTopic.Turn("turn");

    private CoordinationFixture? _store;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private CoordinationFixture Store => _store ?? throw new InvalidOperationException("The test has not begun.");

    /// <summary>Makes the database.</summary>
    public async ValueTask InitializeAsync() => _store = await open(Token);

    /// <summary>Removes it.</summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_wakes_who_waits(bool inTheSameProcess)
    {
        await using var other = await Store.ReopenAsync(Token);
        using var subscription = await Store.Changes.SubscribeAsync(Topic, Token);
        await QuietAsync(subscription);
        var waiting = subscription.WaitAsync(Bound, Token).AsTask();

        await (inTheSameProcess ? Store : other).CountUpAsync(Topic, Token);

        Assert.True(await waiting);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_between_the_subscription_and_the_wait_is_kept(bool inTheSameProcess)
    {
        await using var other = await Store.ReopenAsync(Token);
        using var subscription = await Store.Changes.SubscribeAsync(Topic, Token);
        await QuietAsync(subscription);
        await (inTheSameProcess ? Store : other).CountUpAsync(Topic, Token);

        Assert.True(await subscription.WaitAsync(Bound, Token));
        await QuietAsync(subscription); // once it was told, it is told no more
    }

    [Fact]
    public async Task Every_subscription_is_woken()
    {
        using var first = await Store.Changes.SubscribeAsync(Topic, Token);
        using var second = await Store.Changes.SubscribeAsync(Topic, Token);
        using var third = await Store.Changes.SubscribeAsync(Other, Token);
        foreach (var subscription in new[] { first, second, third })
        {
            await QuietAsync(subscription);
        }

        await Store.CountUpAsync(Topic, Token);
        Assert.True(await first.WaitAsync(Bound, Token));
        Assert.True(await second.WaitAsync(Bound, Token));
        await Store.CountUpAsync(Other, Token);
        Assert.True(await third.WaitAsync(Bound, Token));
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_keeps_the_change()
    {
        using var subscription = await Store.Changes.SubscribeAsync(Topic, Token);
        await QuietAsync(subscription);
        using var cancel = new CancellationTokenSource();
        var waiting = subscription.WaitAsync(Bound, cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        await Store.CountUpAsync(Topic, Token);

        Assert.True(await subscription.WaitAsync(Bound, Token));
    }

    [Fact]
    public async Task A_subscription_that_was_given_up_disturbs_nobody()
    {
        using var subscription = await Store.Changes.SubscribeAsync(Topic, Token);
        (await Store.Changes.SubscribeAsync(Topic, Token)).Dispose();
        await QuietAsync(subscription);

        await Store.CountUpAsync(Topic, Token);

        Assert.True(await subscription.WaitAsync(Bound, Token));
    }

    /// <summary>Two processes take turns in counting; a wake-up that is lost ends the game.</summary>
    [Fact]
    public Task Two_processes_that_take_turns_never_miss_each_other() => TakeTurnsAsync(Store, rounds: 20);

    /// <summary>Two processes take turns in counting, each waiting for the other.</summary>
    /// <param name="store">One of the processes.</param>
    /// <param name="rounds">How often each counts.</param>
    protected static async Task TakeTurnsAsync(CoordinationFixture store, int rounds)
    {
        ArgumentNullException.ThrowIfNull(store);
        await using var other = await store.ReopenAsync(Token);
        await Task.WhenAll(
            Task.Run(() => PlayAsync(store, remainder: 0), Token),
            Task.Run(() => PlayAsync(other, remainder: 1), Token)
        );

        async Task PlayAsync(CoordinationFixture player, int remainder)
        {
            using var subscription = await player.Changes.SubscribeAsync(Topic, Token);
            while (await player.ReadCountAsync(Token) is var count && count < rounds * 2)
            {
                if (count % 2 == remainder)
                {
                    await player.CountUpAsync(Topic, Token);
                }
                else
                {
                    Assert.True(await subscription.WaitAsync(Bound, Token), "A wake-up was lost.");
                }
            }
        }
    }

    /// <summary>Takes up the spurious wake-ups of the beginning.</summary>
    private static async Task QuietAsync(IChangeSubscription subscription)
    {
        while (await subscription.WaitAsync(TimeSpan.Zero, Token)) { }
    }
}
