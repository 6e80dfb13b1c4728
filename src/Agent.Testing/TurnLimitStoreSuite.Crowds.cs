using Slipway.Agents.Limits;

namespace Slipway.Agents.Testing;

public abstract partial class TurnLimitStoreSuite
{
    private const int Instances = 4;

    /// <summary>How many requests come at once in the default tier: fewer where each costs more.</summary>
    protected virtual int Crowd => 200;

    [Fact]
    public Task A_crowd_never_overspends() => SpendAsync(Crowd);

    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public Task A_thousand_requests_never_overspend() => SpendAsync(requests: 1_000);

    [Fact]
    public async Task Of_a_crowd_as_many_are_let_in_as_may_ask()
    {
        await using InstanceSet instances = await InstanceSet.OpenAsync(Fixture, Cancellation);
        TurnLimits limits = new() { ConcurrentTurns = null };

        var admitted = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(i => TryReserveAsync(instances[i], NextTurn(), limits))
        );

        Assert.Equal(TurnLimits.DefaultRequests, admitted.Count(isAdmitted => isAdmitted));
    }

    /// <summary>
    /// Requests of one user, all at once, on four instances, against a budget that a tenth of them would use up. Whoever looks, at any
    /// moment, sees no more used and reserved than the budget has.
    /// </summary>
    private async Task SpendAsync(int requests)
    {
        const int Turn = 100;
        var limits = Unlimited with
        {
            TokensPerTurn = Turn,
            TokensPerDay = requests / 10 * Turn,
            CostPerTurn = 0.01m,
            CostPerDay = requests / 10 * 0.01m,
        };
        await using InstanceSet instances = await InstanceSet.OpenAsync(Fixture, Cancellation);
        Random random = new(20260101);
        int[] uses = [.. Enumerable.Range(0, requests).Select(_ => random.Next(Turn / 2, Turn + 1))];

        var spent = await Task.WhenAll(uses.Select((used, i) => AskAsync(instances[i], used)));
        var total = spent.Sum();
        Assert.InRange(total, 1, limits.TokensPerDay!.Value);

        // What others had reserved is free by now: the budget can be used up, to the last turn that fits.
        var left = limits.TokensPerDay.Value - total;
        for (var i = 0; left >= Turn; i++, left -= Turn)
        {
            Assert.Equal(Turn, await AskAsync(instances[i], Turn));
        }

        Assert.Equal(0, await AskAsync(instances[0], 1));
        var today = await Store.ReadTodayAsync(Ada, Cancellation);
        Assert.Equal(new(new(limits.TokensPerDay.Value - left, today.Used.Cost), default, 0), today);
        Assert.Equal((limits.TokensPerDay.Value - left) * 0.0001m, today.Used.Cost);

        async Task<long> AskAsync(ITurnLimitStore store, int used)
        {
            var turn = NextTurn();
            if (!await TryReserveAsync(store, turn, limits))
            {
                return 0;
            }

            var seen = await store.ReadTodayAsync(Ada, Cancellation);
            Assert.InRange((seen.Used + seen.Reserved).Tokens, Turn, limits.TokensPerDay.Value);
            Assert.InRange((seen.Used + seen.Reserved).Cost, limits.CostPerTurn.Value, limits.CostPerDay.Value);
            await store.SettleAsync(turn, Ada, new(used, used * 0.0001m), Cancellation);
            return used;
        }
    }

    private static async Task<bool> TryReserveAsync(ITurnLimitStore store, string turn, TurnLimits limits)
    {
        try
        {
            await ReserveAsync(store, turn, Ada, limits);
            return true;
        }
        catch (LimitExceededException)
        {
            return false;
        }
    }

    private sealed class InstanceSet(IReadOnlyList<TurnLimitStoreFixture> instances) : IAsyncDisposable
    {
        public ITurnLimitStore this[int i] => instances[i % instances.Count].Limits;

        public static async Task<InstanceSet> OpenAsync(TurnLimitStoreFixture fixture, CancellationToken cancellation)
        {
            List<TurnLimitStoreFixture> instances = [];
            while (instances.Count < Instances)
            {
                instances.Add(await fixture.ReopenAsync(cancellation));
            }

            return new(instances);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var instance in instances)
            {
                await instance.DisposeAsync();
            }
        }
    }
}
