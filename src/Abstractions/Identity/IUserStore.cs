namespace Slipway.Identity;

/// <summary>What is stored of users themselves.</summary>
/// <remarks>Safe for concurrent use; every method is one transaction, bound to the principal.</remarks>
public interface IUserStore
{
    /// <summary>The principal's own row; null when nothing was ever stored.</summary>
    ValueTask<UserProfile?> FindAsync(Principal principal, CancellationToken cancellationToken = default);

    /// <summary>Stores how the principal wants to be called. Whether somebody is an admin is not changed.</summary>
    /// <param name="principal">Whose.</param>
    /// <param name="displayName">The name; null for none.</param>
    /// <param name="email">The address as the caller's token says it; null leaves what is stored.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    ValueTask<UserProfile> SaveAsync(
        Principal principal,
        string? displayName,
        string? email = null,
        CancellationToken cancellationToken = default
    );
}

/// <summary>A user as they are stored.</summary>
public sealed record UserProfile
{
    /// <summary>How they want to be called; null when they did not say.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Their address; null when it is not known.</summary>
    public string? Email { get; init; }

    /// <summary>Whether the admin surface is open to them, whatever their token says.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>When the row was made, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was changed last, UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}
