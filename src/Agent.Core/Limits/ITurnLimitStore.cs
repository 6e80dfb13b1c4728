namespace Slipway.Agents.Limits;

/// <summary>Who may begin a turn, and what users have used: counted in the database, for all instances together.</summary>
/// <remarks>
/// <para>Safe for concurrent use. Times are those of the database's clock, so that hosts need not agree on one.</para>
/// <para>What a turn reserved counts as used until it is settled. A reservation that is neither renewed nor settled expires: what the turn had
/// used by its last renewal stays counted, the rest is free again. A database that cannot be asked lets nobody in.</para>
/// </remarks>
public interface ITurnLimitStore
{
    /// <summary>
    /// Counts a turn and reserves what it may use at most, or refuses it and changes nothing. Of any number of callers at the same time, on
    /// any instance, no more are let in than the limits allow. A turn that has a reservation takes it up again.
    /// </summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="principal">Whose.</param>
    /// <param name="limits">The limits. The turn's own are what is reserved.</param>
    /// <param name="lifetime">When the reservation expires unless it is renewed; 1 ms or more.</param>
    /// <param name="cancellationToken">Cancels the attempt; whether it was made is not known then, and it expires by itself.</param>
    /// <returns>What the turn has used already: nothing, unless its reservation is taken up again.</returns>
    /// <exception cref="LimitExceededException">A limit is reached.</exception>
    ValueTask<Spend> ReserveAsync(
        string turnId,
        Principal principal,
        TurnLimits limits,
        TimeSpan lifetime,
        CancellationToken cancellationToken = default
    );

    /// <summary>Notes what a turn has used so far, and keeps its reservation for another while.</summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="principal">Whose.</param>
    /// <param name="used">What it has used in all; less than was noted before changes nothing.</param>
    /// <param name="lifetime">When the reservation expires from now unless it is renewed again.</param>
    /// <param name="cancellationToken">Cancels the note.</param>
    ValueTask RenewAsync(
        string turnId,
        Principal principal,
        Spend used,
        TimeSpan lifetime,
        CancellationToken cancellationToken = default
    );

    /// <summary>Ends a turn's reservation: from now on it counts as what it used. Settling again changes nothing.</summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="principal">Whose.</param>
    /// <param name="used">What it has used in all. It counts whole, also when it is more than was reserved.</param>
    /// <param name="cancellationToken">Cancels the settlement.</param>
    ValueTask SettleAsync(
        string turnId,
        Principal principal,
        Spend used,
        CancellationToken cancellationToken = default
    );

    /// <summary>What a user has used and reserved today, and how many turns are running.</summary>
    ValueTask<DayUsage> ReadTodayAsync(Principal principal, CancellationToken cancellationToken = default);
}

/// <summary>How a user stands today.</summary>
/// <param name="Used">Used by turns that have ended, and by running ones as far as they have said.</param>
/// <param name="Reserved">What running turns may use beyond that.</param>
/// <param name="RunningTurns">Turns with a reservation that has not expired.</param>
public sealed record DayUsage(Spend Used, Spend Reserved, int RunningTurns);
