using Slipway.Identity;

namespace Slipway.Agents.Testing;

/// <summary>The stores of who may call, over one fresh database that is removed when the fixture is disposed.</summary>
public abstract class IdentityStoreFixture : IAsyncDisposable
{
    /// <summary>API keys.</summary>
    public abstract IApiKeyStore Keys { get; }

    /// <summary>Users.</summary>
    public abstract IUserStore Users { get; }

    /// <summary>Makes an admin of a user who is stored, as an operator does by SQL.</summary>
    public abstract ValueTask MakeAdminAsync(Principal principal, CancellationToken cancellationToken);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();
}

/// <summary>Makes a fresh database for one test and opens the stores on it.</summary>
/// <param name="timeProvider">The clock of everything that is stored.</param>
/// <param name="cancellationToken">The test's token.</param>
public delegate ValueTask<IdentityStoreFixture> OpenIdentityStore(
    TimeProvider timeProvider,
    CancellationToken cancellationToken
);
