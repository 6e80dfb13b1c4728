using Slipway.Agents.Limits;

namespace Slipway.Agents.Testing;

/// <summary><see cref="ITurnLimitStore"/>: nobody gets more than the limits allow, whatever happens at the same time.</summary>
/// <param name="open">Opens the store under test.</param>
public abstract partial class TurnLimitStoreSuite(OpenTurnLimitStore open) : IAsyncLifetime
{
    private static readonly Principal Ada = new("t1", "ada");
    private static readonly Principal Eve = new("t1", "eve");
    private static readonly Principal AdaElsewhere = new("t2", "ada");
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private static readonly TurnLimits Unlimited = new() { Requests = null, ConcurrentTurns = null };

    private TurnLimitStoreFixture? _fixture;
    private int _turns;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private TurnLimitStoreFixture Fixture => _fixture ?? throw new InvalidOperationException("The test has not begun.");

    private ITurnLimitStore Store => Fixture.Limits;

    /// <summary>Makes the database. It is noon there, so that no test runs into midnight.</summary>
    public virtual async ValueTask InitializeAsync()
    {
        _fixture = await open(Cancellation);
        var now = TimeProvider.System.GetUtcNow();
        await _fixture.ShiftClockAsync(now.Date.AddDays(1).AddHours(12) - now.UtcDateTime, Cancellation);
    }

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
    public async Task Requests_are_counted_in_the_window_that_moves_with_the_clock()
    {
        TurnLimits limits = new() { ConcurrentTurns = null, Window = TimeSpan.FromSeconds(60) };
        for (var i = 0; i < TurnLimits.DefaultRequests; i++)
        {
            await EndAsync(await BeginAsync(Ada, limits));
            await Fixture.ShiftClockAsync(TimeSpan.FromSeconds(5), Cancellation);
        }

        // Those that are refused do not count, or who asks too often would never be heard again.
        for (var i = 0; i < 10; i++)
        {
            var refused = await RefusedAsync(Ada, limits);
            Assert.Equal(TurnLimit.Requests, refused.Limit);
            Assert.InRange(refused.RetryAfter!.Value.TotalSeconds, 1, 35);
        }

        await BeginAsync(Eve, limits);
        await BeginAsync(AdaElsewhere, limits);
        await Fixture.ShiftClockAsync(TimeSpan.FromSeconds(36), Cancellation);
        await BeginAsync(Ada, limits);
        Assert.InRange((await RefusedAsync(Ada, limits)).RetryAfter!.Value.TotalSeconds, 1, 4);
    }

    [Fact]
    public async Task Turns_at_the_same_time_are_counted_until_they_end_or_expire()
    {
        TurnLimits limits = new() { Requests = null, ConcurrentTurns = 2 };
        var first = await BeginAsync(Ada, limits);
        await BeginAsync(Ada, limits);
        Assert.Equal(TurnLimit.ConcurrentTurns, (await RefusedAsync(Ada, limits)).Limit);

        await EndAsync(first);
        var third = await BeginAsync(Ada, limits);
        await RefusedAsync(Ada, limits);

        // The second one's process is gone; the third one's goes on.
        await Fixture.ShiftClockAsync(Lifetime / 2, Cancellation);
        await Store.RenewAsync(third, Ada, default, Lifetime, Cancellation);
        await Fixture.ShiftClockAsync(Lifetime / 2 + TimeSpan.FromSeconds(1), Cancellation);
        Assert.Equal(1, (await Store.ReadTodayAsync(Ada, Cancellation)).RunningTurns);
        await BeginAsync(Ada, limits);
        await RefusedAsync(Ada, limits);
    }

    [Fact]
    public async Task A_turn_reserves_its_worst_case_and_settles_what_it_used()
    {
        var limits = Unlimited with { TokensPerTurn = 400, TokensPerDay = 1_000 };
        var first = await BeginAsync(Ada, limits);
        var second = await BeginAsync(Ada, limits);
        Assert.Equal(new(default, new(800, 0), 2), await Store.ReadTodayAsync(Ada, Cancellation));
        var refused = await RefusedAsync(Ada, limits);
        Assert.Equal((TurnLimit.TokensPerDay, 5), (refused.Limit, refused.RetryAfter!.Value.TotalSeconds));

        await EndAsync(first, new(150, 0));
        var third = await BeginAsync(Ada, limits);
        await EndAsync(second, new(400, 0));
        await EndAsync(third, new(60, 0));
        Assert.Equal(new(new(610, 0), default, 0), await Store.ReadTodayAsync(Ada, Cancellation));

        refused = await RefusedAsync(Ada, limits); // 390 are left, and a turn may need 400
        Assert.InRange(refused.RetryAfter!.Value.TotalHours, 11.9, 12);
        await BeginAsync(Eve, limits);
        await Fixture.ShiftClockAsync(TimeSpan.FromHours(12), Cancellation);
        await BeginAsync(Ada, limits);
    }

    [Fact]
    public async Task Money_is_kept_to_the_billionth()
    {
        var limits = Unlimited with { CostPerTurn = 0.000_000_150m, CostPerDay = 0.000_000_450m };
        await EndAsync(await BeginAsync(Ada, limits), new(1, 0.000_000_150m));
        await EndAsync(await BeginAsync(Ada, limits), new(1, 0.000_000_150_000_1m));
        Assert.Equal(new Spend(2, 0.000_000_301m), (await Store.ReadTodayAsync(Ada, Cancellation)).Used);

        Assert.Equal(TurnLimit.CostPerDay, (await RefusedAsync(Ada, limits)).Limit);
    }

    [Fact]
    public async Task What_was_noted_before_a_crash_stays_counted_and_the_rest_is_free_again()
    {
        var limits = Unlimited with { TokensPerTurn = 600, TokensPerDay = 1_000 };
        var crashed = await BeginAsync(Ada, limits);
        await Store.RenewAsync(crashed, Ada, new(250, 0.5m), Lifetime, Cancellation);
        await Store.RenewAsync(crashed, Ada, new(200, 0.4m), Lifetime, Cancellation); // a late one
        Assert.Equal(new(new(250, 0.5m), new(350, 0), 1), await Store.ReadTodayAsync(Ada, Cancellation));
        await RefusedAsync(Ada, limits);

        await Fixture.ShiftClockAsync(Lifetime + TimeSpan.FromSeconds(1), Cancellation);
        Assert.Equal(new(new(250, 0.5m), default, 0), await Store.ReadTodayAsync(Ada, Cancellation));
        var next = await BeginAsync(Ada, limits);

        // It was not gone, only late: what it used counts all the same, once.
        await EndAsync(crashed, new(300, 0.6m));
        await EndAsync(crashed, new(300, 0.6m));
        await EndAsync(next, new(700, 0));
        Assert.Equal(new(new(1_000, 0.6m), default, 0), await Store.ReadTodayAsync(Ada, Cancellation));
    }

    [Fact]
    public async Task A_turn_that_goes_on_elsewhere_takes_its_reservation_up_again()
    {
        var limits = Unlimited with { Requests = 2, TokensPerTurn = 600, TokensPerDay = 1_000 };
        var turn = await BeginAsync(Ada, limits);
        await Store.RenewAsync(turn, Ada, new(100, 0.1m), Lifetime, Cancellation);
        await using var other = await Fixture.ReopenAsync(Cancellation);

        Assert.Equal(new(100, 0.1m), await ReserveAsync(other.Limits, turn, Ada, limits));
        await Fixture.ShiftClockAsync(Lifetime + TimeSpan.FromSeconds(1), Cancellation);
        var next = await BeginAsync(Ada, limits);

        // What it had reserved is another's by now.
        var refused = await Assert.ThrowsAsync<LimitExceededException>(async () =>
            await ReserveAsync(other.Limits, turn, Ada, limits)
        );
        Assert.Equal(TurnLimit.TokensPerDay, refused.Limit);
        await EndAsync(next);
        Assert.Equal(new(100, 0.1m), await ReserveAsync(other.Limits, turn, Ada, limits));
        Assert.Equal(new(new(100, 0.1m), new(500, 0), 1), await Store.ReadTodayAsync(Ada, Cancellation));
    }

    [Fact]
    public async Task Nobody_touches_anothers()
    {
        var limits = Unlimited with { TokensPerTurn = 600, TokensPerDay = 1_000 };
        var turn = await BeginAsync(Ada, limits);

        foreach (var other in new[] { Eve, AdaElsewhere })
        {
            await Store.RenewAsync(turn, other, new(500, 0), Lifetime, Cancellation);
            await Store.SettleAsync(turn, other, new(500, 0), Cancellation);
            Assert.Equal(new(default, default, 0), await Store.ReadTodayAsync(other, Cancellation));
        }

        Assert.Equal(new(default, new(600, 0), 1), await Store.ReadTodayAsync(Ada, Cancellation));
    }

    [Fact]
    public async Task An_attempt_that_is_cancelled_reserves_nothing()
    {
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.ReserveAsync("t", Ada, Unlimited, Lifetime, cancelled.Token)
        );

        Assert.Equal(0, (await Store.ReadTodayAsync(Ada, Cancellation)).RunningTurns);
    }

    private static ValueTask<Spend> ReserveAsync(
        ITurnLimitStore store,
        string turn,
        Principal principal,
        TurnLimits limits
    ) => store.ReserveAsync(turn, principal, limits, Lifetime, Cancellation);

    private async Task<string> BeginAsync(Principal principal, TurnLimits limits)
    {
        var turn = NextTurn();
        Assert.Equal(default, await ReserveAsync(Store, turn, principal, limits));
        return turn;
    }

    private string NextTurn() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"turn-{Interlocked.Increment(ref _turns)}");

    private ValueTask EndAsync(string turn, Spend used = default) => Store.SettleAsync(turn, Ada, used, Cancellation);

    private async Task<LimitExceededException> RefusedAsync(Principal principal, TurnLimits limits) =>
        await Assert.ThrowsAsync<LimitExceededException>(async () =>
            await ReserveAsync(Store, NextTurn(), principal, limits)
        );
}
