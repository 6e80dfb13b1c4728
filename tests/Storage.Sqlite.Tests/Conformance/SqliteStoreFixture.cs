using System.Text;
using Microsoft.Extensions.Time.Testing;
using Slipway.Rag.Storage;
using Slipway.Rag.Storage.Copying;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

/// <summary>A database file of its own in a temporary folder.</summary>
internal sealed class SqliteStoreFixture : StoreFixture
{
    /// <summary>A file that is migrated and has nothing in it.</summary>
    private static readonly Lazy<Task<byte[]>> Image = new(MakeImageAsync);

    private readonly TemporaryFolder _folder;
    private readonly bool _owns;
    private readonly SqliteDocumentStore _documents;
    private readonly SqliteChangeSignal _changes;

    private SqliteStoreFixture(TemporaryFolder folder, TimeProvider time, bool owns, Action<string>? observe = null)
    {
        (_folder, _owns) = (folder, owns);
        Database = new SqliteDatabase(new SqliteStorageOptions { Path = Path.Combine(folder.Path, "slipway.db") }, time)
        {
            Observe = observe,
        };
        _documents = new SqliteDocumentStore(Database);
        _changes = new SqliteChangeSignal(Database);
        Leases = new SqliteLeaseStore(Database);
        Search = new SqliteSearchIndex(Database);
        Blobs = new SqliteBlobStore(Database);
        Maintenance = new SqliteDocumentMaintenance(Database);
        Tables = new SqliteStoreTables(Database, ownsDatabase: false);
        Passages = new SqlitePassageReader(Database);
    }

    public SqliteDatabase Database { get; }

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

    public static ValueTask<StoreFixture> OpenAsync(TimeProvider timeProvider, CancellationToken cancellationToken) =>
        new(new SqliteStoreFixture(new TemporaryFolder(), timeProvider, owns: true));

    /// <summary>The same, copied from a file that is migrated already: for whoever needs hundreds of them.</summary>
    public static async ValueTask<StoreFixture> OpenCloneAsync(
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        var folder = new TemporaryFolder();
        folder.Write("slipway.db", await Image.Value);
        return new SqliteStoreFixture(folder, timeProvider, owns: true);
    }

    public override ValueTask<StoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new SqliteStoreFixture(_folder, Database.Time, owns: false));

    public override ValueTask<StoreFixture?> ReopenAsync(Action<string> observe, CancellationToken cancellationToken) =>
        new(new SqliteStoreFixture(_folder, Database.Time, owns: false, observe));

    public override ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        new(Database.Time.GetUtcNow());

    public override ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken)
    {
        var time = Assert.IsType<FakeTimeProvider>(Database.Time);
        time.AdjustTime(time.GetUtcNow() + by); // a wall clock that is set; timers run on
        return ValueTask.CompletedTask;
    }

    public override ValueTask<long> CountAsync(StoredKind kind, CancellationToken cancellationToken) =>
        Database.ReadAsync(session => (long)session.Scalar("select count(*) from " + Table(kind))!, cancellationToken);

    /// <summary>In the bytes of the file and of its log.</summary>
    public override async ValueTask<bool> ContainsAsync(string text, CancellationToken cancellationToken)
    {
        var searched = Encoding.UTF8.GetBytes(text);
        foreach (var file in new[] { Database.Path, Database.Path + "-wal" })
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, cancellationToken);
            if (bytes.AsSpan().IndexOf(searched) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    public override ValueTask DisposeAsync()
    {
        _changes.Dispose();
        Database.Dispose();
        if (_owns)
        {
            _folder.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static async Task<byte[]> MakeImageAsync()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "slipway.db");
        using (var database = new SqliteDatabase(new SqliteStorageOptions { Path = path }, TimeProvider.System))
        {
            await database.OpenAsync(CancellationToken.None);
        }

        return await File.ReadAllBytesAsync(path); // the last connection has emptied the log into it
    }

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
