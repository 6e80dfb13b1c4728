using Slipway.Agents.Limits;
using Slipway.Agents.Testing;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Conformance;

/// <summary>
/// A database of its own, on the server's clock, shifted as the test says. The store steps down to slipway_app, so the suite runs under
/// row-level security.
/// </summary>
internal sealed class PostgresTurnLimitStoreFixture : TurnLimitStoreFixture
{
    private readonly PostgresTestDatabase _test;
    private readonly PostgresDatabase _database;
    private readonly bool _owns;

    private PostgresTurnLimitStoreFixture(PostgresTestDatabase test, bool owns)
    {
        (_test, _owns) = (test, owns);
        _database = new PostgresDatabase(test.DataSource, ownsDataSource: false, test.Options, TimeProvider.System);
        Limits = new PostgresTurnLimitStore(_database);
    }

    public override ITurnLimitStore Limits { get; }

    public static async ValueTask<TurnLimitStoreFixture> OpenAsync(CancellationToken cancellationToken) =>
        new PostgresTurnLimitStoreFixture(await PostgresTestDatabase.CreateAsync(), owns: true);

    public override ValueTask<TurnLimitStoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new PostgresTurnLimitStoreFixture(_test, owns: false));

    public override async ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken) =>
        await _test.ShiftClockAsync(by);

    public override async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        if (_owns)
        {
            await _test.DisposeAsync();
        }
    }
}
