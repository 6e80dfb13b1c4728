using Slipway.Agents.Testing;
using Slipway.Identity;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Conformance;

/// <summary>A database of its own, through a login that row-level security binds, as an API has one.</summary>
internal sealed class PostgresIdentityStoreFixture : IdentityStoreFixture
{
    private readonly PostgresTestDatabase _test;
    private readonly TestLogin _login;
    private readonly PostgresDatabase _database;

    private PostgresIdentityStoreFixture(PostgresTestDatabase test, TestLogin login, TimeProvider time)
    {
        (_test, _login) = (test, login);
        _database = new PostgresDatabase(
            new PostgresStorageOptions { ConnectionString = login.ConnectionString },
            time
        );
        Keys = new PostgresApiKeyStore(_database);
        Users = new PostgresUserStore(_database);
    }

    public override IApiKeyStore Keys { get; }

    public override IUserStore Users { get; }

    public static async ValueTask<IdentityStoreFixture> OpenAsync(
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        var test = await PostgresTestDatabase.CreateAsync();
        return new PostgresIdentityStoreFixture(test, await TestLogin.CreateAsync(test, "slipway_app"), timeProvider);
    }

    public override async ValueTask MakeAdminAsync(Principal principal, CancellationToken cancellationToken) =>
        await _test.ExecuteAsync(
            $"update slipway.users set is_admin = true where tenant = '{principal.Tenant}' and id = '{principal.Id}'"
        );

    public override async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _login.DisposeAsync();
        await _test.DisposeAsync();
    }
}
