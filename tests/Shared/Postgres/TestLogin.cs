using System.Security.Cryptography;
using Npgsql;
using Slipway.Storage.Postgres;

namespace Slipway.Tests;

/// <summary>A login of its own for a test, in one of the roles that the DBA's script made; dropped afterwards.</summary>
internal sealed class TestLogin : IAsyncDisposable
{
    private readonly PostgresTestDatabase _database;

    private TestLogin(PostgresTestDatabase database, string name, string password)
    {
        (_database, Name) = (database, name);
        ConnectionString = new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Username = name,
            Password = password,
        }.ConnectionString;
    }

    public string Name { get; }

    public string ConnectionString { get; }

    public PostgresStorageOptions Options => new() { ConnectionString = ConnectionString };

    public static async Task<TestLogin> CreateAsync(PostgresTestDatabase database, string? role)
    {
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var name = "slipway_test_login_" + password[..12];
        await database.ExecuteAsync(
            $"create role {name} login password '{password}'" + (role is null ? "" : $" in role {role}")
        );
        return new TestLogin(database, name, password);
    }

    public async ValueTask DisposeAsync()
    {
        // Sessions of the login are in pools that have gone or that end with the database.
        await _database.ExecuteAsync($"drop owned by {Name} cascade");
        await _database.ExecuteAsync($"drop role {Name}");
    }
}
