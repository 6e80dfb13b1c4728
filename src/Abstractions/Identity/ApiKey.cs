namespace Slipway.Identity;

/// <summary>A machine's key. Its secret is not here, nor anywhere else: only a hash of it is stored.</summary>
public sealed record ApiKey
{
    /// <summary>The key's id. It stands in the key's text before the secret, and so tells which key a text is.</summary>
    public required string Id { get; init; }

    /// <summary>The tenant that the key works in.</summary>
    public required string Tenant { get; init; }

    /// <summary>The user that the key acts as: what it makes is theirs.</summary>
    public required string UserId { get; init; }

    /// <summary>What the key is for, for people.</summary>
    public required string Name { get; init; }

    /// <summary>What the key may do: values of <see cref="ApiKeyScopes"/>.</summary>
    public required IReadOnlyList<string> Scopes { get; init; }

    /// <summary>When it was made, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From when on it is refused, UTC; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was used last, UTC, to the minute; null when it never was.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>When it was revoked, UTC; null while it is not.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Whether the key opens anything at a moment: neither revoked nor expired.</summary>
    public bool IsActive(DateTimeOffset now) => RevokedAt is null && !(ExpiresAt <= now);

    /// <summary>The key that replaces this one; without an end of its own it lives as long as this one was meant to.</summary>
    internal ApiKey Successor(string id, DateTimeOffset now, DateTimeOffset? expiresAt) =>
        this with
        {
            Id = id,
            CreatedAt = now,
            ExpiresAt = expiresAt ?? (ExpiresAt is { } end ? now + (end - CreatedAt) : null),
            LastUsedAt = null,
        };
}

/// <summary>A page of keys, by id.</summary>
/// <param name="Keys">The keys, revoked and expired ones included.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; null on the last.</param>
public sealed record ApiKeyPage(IReadOnlyList<ApiKey> Keys, string? Next);
