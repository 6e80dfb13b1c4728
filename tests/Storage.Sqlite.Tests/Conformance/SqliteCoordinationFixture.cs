using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

/// <summary>A database file of its own in a temporary folder, on a clock that the test shifts.</summary>
internal sealed class SqliteCoordinationFixture : CoordinationFixture
{
    private readonly TemporaryFolder _folder;
    private readonly ShiftedTime _time;
    private readonly SqliteDatabase _database;
    private readonly SqliteChangeSignal _changes;
    private readonly bool _owns;

    private SqliteCoordinationFixture(TemporaryFolder folder, ShiftedTime time, bool owns)
    {
        (_folder, _time, _owns) = (folder, time, owns);
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(folder.Path, "slipway.db") },
            time
        );
        _changes = new SqliteChangeSignal(_database);
        Leases = new SqliteLeaseStore(_database);
    }

    public override ILeaseStore Leases { get; }

    public override IChangeSignal Changes => _changes;

    public static ValueTask<CoordinationFixture> OpenAsync(CancellationToken cancellationToken) =>
        new(new SqliteCoordinationFixture(new TemporaryFolder(), new ShiftedTime(), owns: true));

    public override ValueTask<CoordinationFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new SqliteCoordinationFixture(_folder, _time, owns: false));

    public override ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken)
    {
        _time.Shift(by);
        return ValueTask.CompletedTask;
    }

    public override ValueTask CountUpAsync(ChangeTopic topic, CancellationToken cancellationToken) =>
        _database.WriteAsync(
            session =>
            {
                session.Execute(
                    """
                    insert into sources (tenant, collection, name, created_at) values ('', '', '', 1)
                    on conflict do update set created_at = created_at + 1
                    """
                );
                session.Changed.Add(topic);
            },
            cancellationToken
        );

    public override ValueTask<long> ReadCountAsync(CancellationToken cancellationToken) =>
        _database.ReadAsync(
            session => (long)session.Scalar("select coalesce(max(created_at), 0) from sources")!,
            cancellationToken
        );

    public override ValueTask DisposeAsync()
    {
        _changes.Dispose();
        _database.Dispose();
        if (_owns)
        {
            _folder.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}
