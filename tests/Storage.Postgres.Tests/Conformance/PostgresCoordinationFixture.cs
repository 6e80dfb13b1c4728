using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Conformance;

/// <summary>A database of its own, on the server's clock, shifted as the test says.</summary>
internal sealed class PostgresCoordinationFixture : CoordinationFixture
{
    private readonly PostgresTestDatabase _test;
    private readonly PostgresDatabase _database;
    private readonly PostgresChangeSignal _changes;
    private readonly bool _owns;

    private readonly PostgresStorageOptions _options;

    private PostgresCoordinationFixture(PostgresTestDatabase test, PostgresStorageOptions options, bool owns)
    {
        (_test, _options, _owns) = (test, options, owns);
        _database = new PostgresDatabase(options, TimeProvider.System);
        _changes = new PostgresChangeSignal(_database);
        Leases = new PostgresLeaseStore(_database);
    }

    public override ILeaseStore Leases { get; }

    public override IChangeSignal Changes => _changes;

    /// <summary>Whether notifications cannot reach this process.</summary>
    public bool IsPolling => _changes.IsPolling;

    public static async ValueTask<CoordinationFixture> OpenAsync(CancellationToken cancellationToken) =>
        await CreateAsync();

    public static async Task<PostgresCoordinationFixture> CreateAsync()
    {
        var test = await PostgresTestDatabase.CreateAsync();
        return new PostgresCoordinationFixture(test, test.Options, owns: true);
    }

    /// <summary>The same database, reached otherwise.</summary>
    public static PostgresCoordinationFixture Open(PostgresTestDatabase test, PostgresStorageOptions options) =>
        new(test, options, owns: false);

    public Task<object?> ExecuteAsync(string sql) => _test.ExecuteAsync(sql);

    public override ValueTask<CoordinationFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new PostgresCoordinationFixture(_test, _options, owns: false));

    public override async ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken) =>
        await _test.ShiftClockAsync(by);

    public override ValueTask CountUpAsync(ChangeTopic topic, CancellationToken cancellationToken) =>
        _database.WriteAsync(
            null,
            async session =>
            {
                session.Queue(
                    """
                    insert into slipway.leases (name, fencing_token) values ('count', 1)
                    on conflict (name) do update set fencing_token = slipway.leases.fencing_token + 1
                    """
                );
                session.Changed.Add(topic);
                await session.FlushAsync();
            },
            cancellationToken
        );

    public override ValueTask<long> ReadCountAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(
            null,
            async session =>
                (long)(await session.ScalarAsync("select coalesce(max(fencing_token), 0) from slipway.leases"))!,
            cancellationToken
        );

    public override async ValueTask DisposeAsync()
    {
        await _changes.DisposeAsync();
        await _database.DisposeAsync();
        if (_owns)
        {
            await _test.DisposeAsync();
        }
    }
}
