using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Slipway.Rag.Testing;

/// <summary><see cref="ILeaseStore"/>: one owner at a time, and tokens that only rise.</summary>
public abstract class LeaseSuite(OpenCoordination open) : IAsyncLifetime
{
    // Clocks are moved in steps against which the time that a test takes is nothing; an end that is met exactly has passed.
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private CoordinationFixture? _store;

    /// <summary>Histories that are tried.</summary>
    protected virtual int Histories => 30;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private CoordinationFixture Store => _store ?? throw new InvalidOperationException("The test has not begun.");

    private ILeaseStore Leases => Store.Leases;

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

    [Fact]
    public async Task A_held_lease_is_refused_to_others_in_every_process()
    {
        await using var other = await Store.ReopenAsync(Token);

        var lease = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;

        Assert.Equal(("planner", "a", 1L), (lease.Name, lease.Owner, lease.FencingToken));
        Assert.Null(await Leases.AcquireAsync("planner", "b", Hour, Token));
        Assert.Null(await other.Leases.AcquireAsync("planner", "b", Hour, Token));
        Assert.NotNull(await other.Leases.AcquireAsync("another", "b", Hour, Token));
    }

    [Fact]
    public async Task A_lease_ends_by_the_databases_clock()
    {
        await using var other = await Store.ReopenAsync(Token);
        var lease = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;

        await Store.ShiftClockAsync(Hour - Minute, Token);
        Assert.Null(await other.Leases.AcquireAsync("planner", "b", Hour, Token));

        await Store.ShiftClockAsync(Minute, Token);
        var taken = (await other.Leases.AcquireAsync("planner", "b", Hour, Token))!;
        Assert.True(taken.FencingToken > lease.FencingToken);
        Assert.True(taken.ExpiresAt > lease.ExpiresAt);
        Assert.Null(await Leases.RenewAsync(lease, Hour, Token));
        Assert.False(await Leases.ReleaseAsync(lease, Token));
        Assert.Equal(taken, Assert.Single(await Leases.ListAsync(Token)));
    }

    [Fact]
    public async Task A_renewal_counts_from_now_and_may_shorten()
    {
        var lease = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;
        await Store.ShiftClockAsync(Hour - Minute, Token);

        var longer = (await Leases.RenewAsync(lease, Hour, Token))!;
        Assert.Equal((lease.FencingToken, lease.Owner), (longer.FencingToken, longer.Owner));
        Assert.True(longer.ExpiresAt > lease.ExpiresAt);
        await Store.ShiftClockAsync(Hour - Minute, Token);
        Assert.Null(await Leases.AcquireAsync("planner", "b", Hour, Token));

        Assert.NotNull(await Leases.RenewAsync(lease, Minute, Token));
        await Store.ShiftClockAsync(Minute, Token);
        Assert.NotNull(await Leases.AcquireAsync("planner", "b", Hour, Token));
    }

    /// <summary>Its owner did not act in time. That nobody else has come yet does not make it an owner again.</summary>
    [Fact]
    public async Task An_expired_lease_is_lost_also_when_nobody_has_taken_it()
    {
        var lease = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;
        await Store.ShiftClockAsync(Hour, Token);

        Assert.Null(await Leases.RenewAsync(lease, Hour, Token));
        Assert.False(await Leases.ReleaseAsync(lease, Token));
        Assert.Empty(await Leases.ListAsync(Token));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_takes_nothing_from_its_owner()
    {
        var lease = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;
        await Store.ShiftClockAsync(-2 * Hour, Token);

        Assert.Null(await Leases.AcquireAsync("planner", "b", Hour, Token));
        Assert.NotNull(await Leases.RenewAsync(lease, Hour, Token));
        await Store.ShiftClockAsync(Hour, Token);
        Assert.NotNull(await Leases.AcquireAsync("planner", "b", Hour, Token));
    }

    [Fact]
    public async Task What_is_given_back_is_free_at_once_and_its_token_rises_on()
    {
        var first = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;

        Assert.True(await Leases.ReleaseAsync(first, Token));
        Assert.False(await Leases.ReleaseAsync(first, Token));
        Assert.Null(await Leases.RenewAsync(first, Hour, Token));
        Assert.Empty(await Leases.ListAsync(Token));

        var second = (await Leases.AcquireAsync("planner", "b", Hour, Token))!;
        Assert.True(second.FencingToken > first.FencingToken);
    }

    [Fact]
    public async Task An_owner_that_acquires_again_takes_it_anew()
    {
        var before = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;
        var after = (await Leases.AcquireAsync("planner", "a", Hour, Token))!;

        Assert.True(after.FencingToken > before.FencingToken);
        Assert.Null(await Leases.RenewAsync(before, Hour, Token));
        Assert.False(await Leases.ReleaseAsync(before, Token));
        Assert.NotNull(await Leases.RenewAsync(after, Hour, Token));
    }

    [Fact]
    public async Task Held_leases_are_listed_by_name()
    {
        foreach (var name in new[] { "b", "a", "c", "B" })
        {
            await Leases.AcquireAsync(name, "owner of " + name, Hour, Token);
        }

        Assert.Equal(
            [("B", "owner of B"), ("a", "owner of a"), ("b", "owner of b"), ("c", "owner of c")],
            (await Leases.ListAsync(Token)).Select(lease => (lease.Name, lease.Owner))
        );
    }

    [Theory]
    [InlineData("", "a", 60)]
    [InlineData("planner", " ", 60)]
    [InlineData("planner", "a", 0)]
    [InlineData("planner", "a", -1)]
    public async Task What_is_no_lease_is_refused(string name, string owner, int seconds) =>
        await Assert.ThrowsAnyAsync<ArgumentException>(async () =>
            await Leases.AcquireAsync(name, owner, TimeSpan.FromSeconds(seconds), Token)
        );

    /// <summary>Eight owners in two processes want the same lease again and again; whoever has it must be alone.</summary>
    [Fact]
    public async Task Of_eight_owners_one_has_it_at_a_time()
    {
        await using var other = await Store.ReopenAsync(Token);
        var inside = 0;
        var entries = 0;
        var tokens = new System.Collections.Concurrent.ConcurrentQueue<long>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(owner => Task.Run(() => CompeteAsync(owner), Token)));

        Assert.Equal(entries, tokens.Count);
        Assert.Equal(tokens.Order(), tokens); // entered in the order of their tokens
        Assert.Equal(tokens.Distinct().Count(), tokens.Count);

        async Task CompeteAsync(int owner)
        {
            var leases = owner % 2 == 0 ? Leases : other.Leases;
            while (Volatile.Read(ref entries) < 60)
            {
                if (await leases.AcquireAsync("planner", "owner " + owner, Hour, Token) is not { } lease)
                {
                    continue;
                }

                Assert.Equal(1, Interlocked.Increment(ref inside));
                tokens.Enqueue(lease.FencingToken);
                Interlocked.Increment(ref entries);
                await Task.Yield();
                Assert.NotNull(await leases.RenewAsync(lease, Hour, Token));
                Interlocked.Decrement(ref inside);
                Assert.True(await leases.ReleaseAsync(lease, Token));
            }
        }
    }

    /// <summary>Histories of three owners and a clock that goes forward and back, against a model that is a few variables.</summary>
    [Fact]
    public async Task Any_history_is_the_naive_one()
    {
        var number = 0;
        await Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int[-2, 4])
            .Array[1, 30]
            .SampleAsync(
                async history =>
                {
                    var name = "history " + Interlocked.Increment(ref number);
                    var model = new NaiveLease();
                    var held = new Lease?[3];
                    foreach (var (step, owner, hours) in history)
                    {
                        var duration = Hour * (1 + Math.Abs(hours));
                        switch (step)
                        {
                            case 0 or 1:
                                var taken = await Leases.AcquireAsync(name, "owner " + owner, duration, Token);
                                Assert.Equal(model.Acquire(owner, duration), taken?.FencingToken);
                                held[owner] = taken ?? held[owner];
                                break;
                            case 2 when held[owner] is { } lease:
                                var renewed = await Leases.RenewAsync(lease, duration, Token);
                                Assert.Equal(model.Renew(owner, lease.FencingToken, duration), renewed is not null);
                                break;
                            case 3 when held[owner] is { } lease:
                                Assert.Equal(
                                    model.Release(owner, lease.FencingToken),
                                    await Leases.ReleaseAsync(lease, Token)
                                );
                                break;
                            case 4 or 5:
                                await Store.ShiftClockAsync(Hour * hours, Token);
                                model.Shift(Hour * hours);
                                break;
                        }

                        var listed = (await Leases.ListAsync(Token)).SingleOrDefault(lease => lease.Name == name);
                        Assert.Equal(model.Holder, listed is null ? null : (listed.Owner, listed.FencingToken));
                    }
                },
                iter: Histories,
                threads: 1
            );
    }

    [Fact]
    public async Task A_handle_renews_until_it_is_disposed_and_gives_the_lease_back()
    {
        var time = new PausedTime();
        await using var handle = (await LeaseHandle.AcquireAsync(Leases, "planner", "a", Hour, time, Token))!;
        Assert.Null(await LeaseHandle.AcquireAsync(Leases, "planner", "b", Hour, time, Token));
        for (var i = 0; i < 9; i++)
        {
            var before = handle.Lease.ExpiresAt;
            await Store.ShiftClockAsync(Hour / 2, Token);
            await time.AdvanceUntilNextPauseAsync(Hour / 2);
            Assert.True(handle.Lease.ExpiresAt > before);
        }

        Assert.False(handle.Lost.IsCancellationRequested);
        Assert.Equal(1, handle.Lease.FencingToken);
        await handle.DisposeAsync();
        Assert.Empty(await Leases.ListAsync(Token));
        Assert.False(handle.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_handle_says_so_when_somebody_else_has_the_lease()
    {
        var time = new FakeTimeProvider();
        await using var handle = (await LeaseHandle.AcquireAsync(Leases, "planner", "a", Hour, time, Token))!;
        await Store.ShiftClockAsync(2 * Hour, Token);
        var other = (await Leases.AcquireAsync("planner", "b", Hour, Token))!;

        time.Advance(Hour / 2);

        await Eventually.CancelledAsync(handle.Lost);
        await handle.DisposeAsync();
        Assert.Equal(other, Assert.Single(await Leases.ListAsync(Token)));
    }

    [Fact]
    public async Task A_handle_is_lost_before_its_lease_can_be_had_elsewhere()
    {
        var time = new FakeTimeProvider();
        var store = new UnreachableLeases(Leases);
        await using var handle = (await LeaseHandle.AcquireAsync(store, "planner", "a", Hour, time, Token))!;
        store.IsUnreachable = true;

        time.Advance(0.9 * Hour - TimeSpan.FromTicks(1));
        Assert.False(handle.Lost.IsCancellationRequested);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.True(handle.Lost.IsCancellationRequested);
        await Store.ShiftClockAsync(0.9 * Hour, Token);
        Assert.Null(await Leases.AcquireAsync("planner", "b", Hour, Token));
    }

    [Fact]
    public async Task A_handle_outlives_a_store_that_cannot_be_reached_for_a_while()
    {
        var time = new PausedTime();
        var store = new UnreachableLeases(Leases);
        await using var handle = (await LeaseHandle.AcquireAsync(store, "planner", "a", Hour, time, Token))!;
        store.IsUnreachable = true;
        await time.AdvanceUntilNextPauseAsync(Hour / 2);

        store.IsUnreachable = false;
        var before = handle.Lease.ExpiresAt;
        await Store.ShiftClockAsync(Hour / 2, Token);
        await time.AdvanceUntilNextPauseAsync(Hour / 20);

        Assert.True(handle.Lease.ExpiresAt > before);
        Assert.False(handle.Lost.IsCancellationRequested);
    }

    /// <summary>Knows when the handle has done what was due and waits again.</summary>
    private sealed class PausedTime : FakeTimeProvider
    {
        private int _pauses;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _pauses);
            return timer;
        }

        public async Task AdvanceUntilNextPauseAsync(TimeSpan by)
        {
            var before = Volatile.Read(ref _pauses);
            Advance(by);
            await Eventually.IsAsync(() => Volatile.Read(ref _pauses) > before);
        }
    }

    private sealed class UnreachableLeases(ILeaseStore leases) : ILeaseStore
    {
        public volatile bool IsUnreachable;

        public ValueTask<Lease?> AcquireAsync(
            string name,
            string owner,
            TimeSpan duration,
            CancellationToken token = default
        ) => leases.AcquireAsync(name, owner, duration, token);

        public ValueTask<Lease?> RenewAsync(Lease lease, TimeSpan duration, CancellationToken token = default) =>
            IsUnreachable
                ? throw new SlipwayException(ErrorClass.Transient, "The store cannot be reached.")
                : leases.RenewAsync(lease, duration, token);

        public ValueTask<bool> ReleaseAsync(Lease lease, CancellationToken token = default) =>
            leases.ReleaseAsync(lease, token);

        public ValueTask<IReadOnlyList<Lease>> ListAsync(CancellationToken token = default) => leases.ListAsync(token);
    }
}
