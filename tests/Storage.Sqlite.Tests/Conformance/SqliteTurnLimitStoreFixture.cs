using Slipway.Agents.Limits;
using Slipway.Agents.Testing;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

/// <summary>A database file of its own in a temporary folder, on a clock that the test shifts.</summary>
internal sealed class SqliteTurnLimitStoreFixture : TurnLimitStoreFixture
{
    private readonly TemporaryFolder _folder;
    private readonly ShiftedTime _time;
    private readonly SqliteDatabase _database;
    private readonly bool _owns;

    private SqliteTurnLimitStoreFixture(TemporaryFolder folder, ShiftedTime time, bool owns)
    {
        (_folder, _time, _owns) = (folder, time, owns);
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(folder.Path, "slipway.db") },
            time
        );
        Limits = new SqliteTurnLimitStore(_database);
    }

    public override ITurnLimitStore Limits { get; }

    public static ValueTask<TurnLimitStoreFixture> OpenAsync(CancellationToken cancellationToken) =>
        new(new SqliteTurnLimitStoreFixture(new TemporaryFolder(), new ShiftedTime(), owns: true));

    public override ValueTask<TurnLimitStoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new SqliteTurnLimitStoreFixture(_folder, _time, owns: false));

    public override ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken)
    {
        _time.Shift(by);
        return ValueTask.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        _database.Dispose();
        if (_owns)
        {
            _folder.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}
