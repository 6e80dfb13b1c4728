using Slipway.Agents.Testing;
using Slipway.Identity;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

/// <summary>A database file of its own in a temporary folder.</summary>
internal sealed class SqliteIdentityStoreFixture : IdentityStoreFixture
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;

    private SqliteIdentityStoreFixture(TimeProvider time)
    {
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(_folder.Path, "slipway.db") },
            time
        );
        Keys = new SqliteApiKeyStore(_database);
        Users = new SqliteUserStore(_database);
    }

    public override IApiKeyStore Keys { get; }

    public override IUserStore Users { get; }

    public static ValueTask<IdentityStoreFixture> OpenAsync(
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    ) => new(new SqliteIdentityStoreFixture(timeProvider));

    public override async ValueTask MakeAdminAsync(Principal principal, CancellationToken cancellationToken) =>
        await _database.WriteAsync(
            session =>
                session.Execute(
                    "update users set is_admin = 1 where tenant = $1 and id = $2",
                    principal.Tenant,
                    principal.Id
                ),
            cancellationToken
        );

    public override ValueTask DisposeAsync()
    {
        _database.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
