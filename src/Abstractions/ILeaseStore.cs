namespace Slipway;

/// <summary>Exclusive ownership for a limited time, by the database's clock: one owner of a name at a time.</summary>
/// <remarks>
/// Safe for concurrent use. A lease says who may begin; it cannot stop who was paused and wakes late. What such an owner writes is
/// refused by its <see cref="Lease.FencingToken"/>, which is checked inside the transaction that writes. Most callers want
/// <see cref="LeaseHandle"/>, which renews.
/// </remarks>
public interface ILeaseStore
{
    /// <summary>Takes a lease that is free, has expired, or belongs to the same owner already.</summary>
    /// <param name="name">What is owned.</param>
    /// <param name="owner">
    /// Who owns it: one holder in one process. An owner that acquires again takes the lease anew; what it held before counts as lost. So a
    /// worker that is restarted under its old name need not wait.
    /// </param>
    /// <param name="duration">How long it lasts unless it is renewed; 1 ms or more, kept in milliseconds.</param>
    /// <param name="cancellationToken">Cancels the attempt; whether the lease was taken is not known then, and it expires by itself.</param>
    /// <returns>The lease, or null while somebody else holds it.</returns>
    ValueTask<Lease?> AcquireAsync(
        string name,
        string owner,
        TimeSpan duration,
        CancellationToken cancellationToken = default
    );

    /// <summary>Makes a lease last for <paramref name="duration"/> from now.</summary>
    /// <returns>The same lease with its new end; null when it is lost: it has expired, was released, or was taken again.</returns>
    ValueTask<Lease?> RenewAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken = default);

    /// <summary>Gives a lease back, so that the next owner need not wait for its end.</summary>
    /// <returns>False when it was not held any more; nothing has changed then.</returns>
    ValueTask<bool> ReleaseAsync(Lease lease, CancellationToken cancellationToken = default);

    /// <summary>The leases that are held now, by name.</summary>
    ValueTask<IReadOnlyList<Lease>> ListAsync(CancellationToken cancellationToken = default);
}

/// <summary>Ownership of a name for a time.</summary>
/// <param name="Name">What is owned.</param>
/// <param name="Owner">Who owns it.</param>
/// <param name="FencingToken">
/// Rises each time the lease is taken, also after a release, and never falls. Of two owners the one with the lower token is late.
/// </param>
/// <param name="ExpiresAt">
/// When it ends, by the database's clock, UTC. To be shown, not to be compared with this host's clock, which may differ.
/// </param>
public sealed record Lease(string Name, string Owner, long FencingToken, DateTimeOffset ExpiresAt);
