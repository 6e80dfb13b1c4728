using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Conformance;

/// <summary>A database of its own, on the server's clock, shifted as the test says.</summary>
internal sealed class PostgresCoordinationFixture : CoordinationFixture
{
    private readonly PostgresTestDatabase _test;
    private readonly PostgresDatabase _database;
    private readonly bool _owns;

    private PostgresCoordinationFixture(PostgresTestDatabase test, bool owns)
    {
        (_test, _owns) = (test, owns);
        _database = new PostgresDatabase(test.Options, TimeProvider.System);
        Leases = new PostgresLeaseStore(_database);
    }

    public override ILeaseStore Leases { get; }

    public static async ValueTask<CoordinationFixture> OpenAsync(CancellationToken cancellationToken) =>
        new PostgresCoordinationFixture(await PostgresTestDatabase.CreateAsync(), owns: true);

    public override ValueTask<CoordinationFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new PostgresCoordinationFixture(_test, owns: false));

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
