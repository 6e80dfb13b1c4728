namespace Slipway.Identity;

/// <summary>API keys by the hash of their text.</summary>
/// <remarks>
/// Safe for concurrent use; every method is one transaction. Whoever calls decides who may: these methods are the service's own, not a
/// user's. Only <see cref="FindAsync"/> crosses tenants, for who presents a key has yet to be known.
/// </remarks>
public interface IApiKeyStore
{
    /// <summary>Stores a new key.</summary>
    /// <param name="key">The key; its id must be new.</param>
    /// <param name="hash">The hash of its text, by which it is found.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    ValueTask AddAsync(ApiKey key, string hash, CancellationToken cancellationToken = default);

    /// <summary>The key whose text has this hash, in whatever tenant and also when it is not active any more; null for none.</summary>
    ValueTask<ApiKey?> FindAsync(string hash, CancellationToken cancellationToken = default);

    /// <summary>The keys of a tenant, by id.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="limit">Page size, 1 to 1,000.</param>
    /// <param name="after">The last page's <see cref="ApiKeyPage.Next"/>; null for the first page.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    ValueTask<ApiKeyPage> ListAsync(
        string tenant,
        int limit = 100,
        string? after = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>
    /// Replaces a key by a new one that acts for the same user under the same name with the same scopes. The old one goes on until
    /// <paramref name="until"/>, or its own end where that is earlier.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="id">The key to replace; it must be active.</param>
    /// <param name="newId">The new key's id.</param>
    /// <param name="newHash">The hash of the new key's text.</param>
    /// <param name="until">The old key's end, UTC.</param>
    /// <param name="expiresAt">The new key's end, UTC; null for a life as long as the old one's.</param>
    /// <param name="cancellationToken">Cancels the write; nothing has changed then.</param>
    /// <returns>The new key, or null when the tenant has no active key of that id.</returns>
    ValueTask<ApiKey?> RotateAsync(
        string tenant,
        string id,
        string newId,
        string newHash,
        DateTimeOffset until,
        DateTimeOffset? expiresAt = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Revokes a key for good; the time of the first call stays.</summary>
    /// <returns>False when the tenant has no key of that id.</returns>
    ValueTask<bool> RevokeAsync(string tenant, string id, CancellationToken cancellationToken = default);

    /// <summary>Notes that a key was used now, unless that was noted less than <paramref name="atMostEvery"/> ago.</summary>
    ValueTask MarkUsedAsync(ApiKey key, TimeSpan atMostEvery, CancellationToken cancellationToken = default);
}
