using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Slipway.Agents.Limits;

/// <summary>Lets turns begin and keeps them within their budgets.</summary>
/// <remarks>Safe for concurrent use.</remarks>
/// <param name="store">Where everybody counts together.</param>
/// <param name="limits">The limits of each user.</param>
/// <param name="prices">The prices; null for none.</param>
/// <param name="timeProvider">The clock of renewals; null for the system's.</param>
/// <param name="logger">Where errors go that users do not see; null for nowhere.</param>
public sealed class TurnLimiter(
    ITurnLimitStore store,
    TurnLimits limits,
    ModelPrices? prices = null,
    TimeProvider? timeProvider = null,
    ILogger<TurnLimiter>? logger = null
)
{
    /// <summary>How long a reservation lasts that is not renewed: five minutes, for which a crash keeps what it had reserved.</summary>
    public static readonly TimeSpan ReservationLifetime = TimeSpan.FromMinutes(5);

    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;
    private readonly ILogger _logger = logger ?? NullLogger<TurnLimiter>.Instance;

    /// <summary>Lets a turn begin, before anything of it is stored or sent.</summary>
    /// <param name="turnId">The turn. One that was let in before, by whichever instance, goes on with what is left of its budget.</param>
    /// <param name="principal">Whose.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <returns>What the turn may use; it must be settled, however the turn ends.</returns>
    /// <exception cref="LimitExceededException">A limit is reached.</exception>
    /// <exception cref="SlipwayException">The database cannot be asked: then nobody is let in.</exception>
    public async ValueTask<TurnAllowance> AdmitAsync(
        string turnId,
        Principal principal,
        CancellationToken cancellationToken = default
    )
    {
        var used = await store
            .ReserveAsync(turnId, principal, limits, ReservationLifetime, cancellationToken)
            .ConfigureAwait(false);
        TurnBudget budget = new(limits.TokensPerTurn, limits.CostPerTurn, prices);
        budget.Add(used);
        return new(turnId, principal, budget, store, _time, _logger);
    }

    /// <summary>Ends the reservation of a turn whose owner is gone: it counts as what that one had noted. It never fails.</summary>
    internal ValueTask SettleAsync(string turnId, Principal principal) =>
        new TurnAllowance(turnId, principal, new(), store, _time, _logger).SettleAsync();
}

/// <summary>What a turn may use, from its admission to its settlement.</summary>
/// <remarks>Its model calls come one after the other; settling is safe at any time.</remarks>
public sealed partial class TurnAllowance
{
    private readonly string _turnId;
    private readonly Principal _principal;
    private readonly ITurnLimitStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _renewedAt;
    private Spend _noted;

    internal TurnAllowance(
        string turnId,
        Principal principal,
        TurnBudget budget,
        ITurnLimitStore store,
        TimeProvider time,
        ILogger logger
    )
    {
        (_turnId, _principal, Budget, _store, _time, _logger) = (turnId, principal, budget, store, time, logger);
        _renewedAt = time.GetTimestamp();
        _noted = budget.Used;
    }

    /// <summary>The turn's budget.</summary>
    public TurnBudget Budget { get; }

    /// <summary>The model for this turn: it keeps within the budget, and keeps the reservation. It is not to be disposed.</summary>
    public BudgetChatClient Around(IChatClient model) => new(model, Budget) { Progress = RenewAsync };

    /// <summary>
    /// Ends the reservation: what was used stays counted, the rest is free. It never fails: what cannot be settled now expires, and is
    /// logged.
    /// </summary>
    public async ValueTask SettleAsync()
    {
        try
        {
            // The end is stored although the caller may be gone.
            await _store.SettleAsync(_turnId, _principal, Budget.Used, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogUnsettled(_turnId, exception);
        }
    }

    /// <summary>Notes what was used, for whoever goes on with the turn. It never fails.</summary>
    internal async ValueTask NoteAsync()
    {
        try
        {
            await _store
                .RenewAsync(_turnId, _principal, Budget.Used, TurnLimiter.ReservationLifetime, CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            LogUnsettled(_turnId, exception);
        }
    }

    // What a step used is noted before the next begins, so that a crash forgets one call at most; during a call only the time counts.
    private async ValueTask RenewAsync(CancellationToken cancellationToken)
    {
        var used = Budget.Used;
        if (used == _noted && _time.GetElapsedTime(_renewedAt) < TurnLimiter.ReservationLifetime / 3)
        {
            return;
        }

        await _store
            .RenewAsync(_turnId, _principal, used, TurnLimiter.ReservationLifetime, cancellationToken)
            .ConfigureAwait(false);
        _noted = used;
        _renewedAt = _time.GetTimestamp();
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "What turn {TurnId} used could not be settled; its reservation expires."
    )]
    private partial void LogUnsettled(string turnId, Exception exception);
}
