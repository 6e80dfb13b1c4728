using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

/// <summary>A database file of its own in a temporary folder, on a clock that the test moves.</summary>
internal sealed class SqliteCoordinationFixture : CoordinationFixture
{
    private readonly TemporaryFolder _folder;
    private readonly FakeTimeProvider _time;
    private readonly SqliteDatabase _database;
    private readonly bool _owns;

    private SqliteCoordinationFixture(TemporaryFolder folder, FakeTimeProvider time, bool owns)
    {
        (_folder, _time, _owns) = (folder, time, owns);
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(folder.Path, "slipway.db") },
            time
        );
        Leases = new SqliteLeaseStore(_database);
    }

    public override ILeaseStore Leases { get; }

    public static ValueTask<CoordinationFixture> OpenAsync(CancellationToken cancellationToken) =>
        new(new SqliteCoordinationFixture(new TemporaryFolder(), new FakeTimeProvider(), owns: true));

    public override ValueTask<CoordinationFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new SqliteCoordinationFixture(_folder, _time, owns: false));

    public override ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken)
    {
        _time.AdjustTime(_time.GetUtcNow() + by); // a wall clock that is set; timers run on
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
