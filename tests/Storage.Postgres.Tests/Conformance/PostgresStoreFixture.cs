using System.Text;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Conformance;

/// <summary>A database of its own.</summary>
internal sealed class PostgresStoreFixture : StoreFixture
{
    private readonly PostgresTestDatabase _test;
    private readonly bool _owns;
    private readonly PostgresDocumentStore _documents;
    private readonly PostgresChangeSignal _changes;

    /// <param name="test">Where everything is.</param>
    /// <param name="time">The store's clock.</param>
    /// <param name="owns">Whether the database is dropped with this.</param>
    /// <param name="options">Another way there.</param>
    /// <param name="observe">Told of each statement.</param>
    public PostgresStoreFixture(
        PostgresTestDatabase test,
        TimeProvider time,
        bool owns,
        PostgresStorageOptions? options = null,
        Action<string>? observe = null
    )
    {
        (_test, _owns) = (test, owns);
        Database = options is null
            ? new PostgresDatabase(test.DataSource, ownsDataSource: false, test.Options, time) { Observe = observe }
            : new PostgresDatabase(options, time) { Observe = observe };
        _documents = new PostgresDocumentStore(Database);
        _changes = new PostgresChangeSignal(Database);
        Leases = new PostgresLeaseStore(Database);
        Search = new PostgresSearchIndex(Database);
        Blobs = new PostgresBlobStore(Database);
        Maintenance = new PostgresDocumentMaintenance(Database);
        Tables = new PostgresStoreTables(Database, ownsDatabase: false);
        Passages = new PostgresPassageReader(Database);
    }

    public PostgresDatabase Database { get; }

    public override IDocumentStore Documents => _documents;

    public override IInboxStore Inbox => _documents;

    public override IDocumentQueue Queue => _documents;

    public override ILeaseStore Leases { get; }

    public override IChangeSignal Changes => _changes;

    public override ISearchIndex Search { get; }

    public override IBlobStore Blobs { get; }

    public override IPassageReader Passages { get; }

    public override IDocumentMaintenance Maintenance { get; }

    public override IStoreTables Tables { get; }

    public static async ValueTask<StoreFixture> OpenAsync(
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    ) => Owning(await PostgresTestDatabase.CreateAsync(), timeProvider);

    /// <summary>The store on somebody else's database, reached in another way.</summary>
    public static PostgresStoreFixture On(PostgresTestDatabase test, PostgresStorageOptions options) =>
        new(test, TimeProvider.System, owns: false, options);

    public override ValueTask<StoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new PostgresStoreFixture(_test, Database.Time, owns: false));

    public override ValueTask<StoreFixture?> ReopenAsync(Action<string> observe, CancellationToken cancellationToken) =>
        new(new PostgresStoreFixture(_test, Database.Time, owns: false, observe: observe));

    public override async ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        new((DateTime)(await _test.ExecuteAsync("select slipway.now()"))!);

    public override async ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken) =>
        await _test.ShiftClockAsync(by);

    public override async ValueTask<long> CountAsync(StoredKind kind, CancellationToken cancellationToken) =>
        (long)(await _test.ExecuteAsync($"select count(*) from slipway.{Table(kind)}"))!;

    public async Task<long> CountDeadlocksAsync() =>
        (long)(await _test.ExecuteAsync("select deadlocks from pg_stat_database where datname = current_database()"))!;

    /// <summary>In all rows of all tables and in the planner's samples of them. Bytes are dumped as hexadecimal.</summary>
    public override async ValueTask<bool> ContainsAsync(string text, CancellationToken cancellationToken)
    {
        var bytes = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
        await using var connection = await _test.DataSource.OpenConnectionAsync(cancellationToken);
        foreach (
            var source in (await _test.QueryAsync("select tablename::text from pg_tables where schemaname = 'slipway'"))
                .Select(table => $"slipway.{table}")
                .Append("(select * from pg_stats where schemaname = 'slipway')")
        )
        {
            using var dump = await connection.BeginTextExportAsync($"copy {source} to stdout", cancellationToken);
            var rows = await dump.ReadToEndAsync(cancellationToken);
            if (rows.Contains(text, StringComparison.Ordinal) || rows.Contains(bytes, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    public override async ValueTask DisposeAsync()
    {
        await _changes.DisposeAsync();
        await Database.DisposeAsync();
        if (_owns)
        {
            await _test.DisposeAsync();
        }
    }

    private static PostgresStoreFixture Owning(PostgresTestDatabase test, TimeProvider timeProvider) =>
        new(test, timeProvider, owns: true);

    private static string Table(StoredKind kind) =>
        kind switch
        {
            StoredKind.Documents => "documents",
            StoredKind.Versions => "document_versions",
            StoredKind.Chunks => "chunks",
            StoredKind.Rows => "document_rows",
            StoredKind.Embeddings => "embeddings",
            StoredKind.Blobs => "blobs",
            StoredKind.Attempts => "ingestion_attempts",
            StoredKind.Runs => "ingestion_runs",
            StoredKind.Merged => "lexical_documents",
            StoredKind.Unmerged => "lexical_deltas",
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
}
