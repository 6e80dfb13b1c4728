using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using Slipway.Internal;
using Slipway.Storage.Sqlite.Internal;

namespace Slipway.Storage.Sqlite.Tests.Conformance;

/// <summary>A database file of its own in a temporary folder.</summary>
internal sealed class SqliteConversationStoreFixture : ConversationStoreFixture
{
    private readonly TemporaryFolder _folder;
    private readonly SqliteDatabase _database;
    private readonly SqliteChangeSignal _changes;
    private readonly bool _owns;

    private SqliteConversationStoreFixture(
        TemporaryFolder folder,
        TimeProvider time,
        bool owns,
        ProcessIdentity? process = null
    )
    {
        (_folder, _owns) = (folder, owns);
        _database = new SqliteDatabase(
            new SqliteStorageOptions { Path = Path.Combine(folder.Path, "slipway.db") },
            time
        );
        Conversations = new SqliteConversationStore(_database, process: process);
        Turns = new SqliteTurnStore(_database, process);
        _changes = new SqliteChangeSignal(_database);
    }

    public override IConversationStore Conversations { get; }

    public override ITurnStore Turns { get; }

    public override IChangeSignal Changes => _changes;

    public override IAttachmentStore Attachments => new SqliteAttachmentStore(_database);

    public override IBlobStore Blobs => new SqliteBlobStore(_database);

    public static ValueTask<ConversationStoreFixture> OpenAsync(
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    ) => new(new SqliteConversationStoreFixture(new TemporaryFolder(), timeProvider, owns: true));

    public override ValueTask<ConversationStoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new SqliteConversationStoreFixture(_folder, _database.Time, owns: false));

    public override ValueTask<ConversationStoreFixture> ReopenAsEndedProcessAsync(
        CancellationToken cancellationToken
    ) =>
        new(
            new SqliteConversationStoreFixture(
                _folder,
                _database.Time,
                owns: false,
                new ProcessIdentity(ProcessIdentity.Current.Host, int.MaxValue, 1)
            )
        );

    public override ValueTask<long> CountAsync(ConversationRow kind, CancellationToken cancellationToken) =>
        _database.ReadAsync(session => (long)session.Scalar("select count(*) from " + Table(kind))!, cancellationToken);

    public override ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken)
    {
        ((FakeTimeProvider)_database.Time).Advance(by);
        return ValueTask.CompletedTask;
    }

    public override async ValueTask OverwriteMessageAsync(
        long sequence,
        int format,
        string content,
        CancellationToken cancellationToken
    ) =>
        await _database.WriteAsync(
            session =>
                session.Execute(
                    "update messages set format = $2, content = $3 where sequence = $1",
                    sequence,
                    format,
                    content
                ),
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

    private static string Table(ConversationRow kind) =>
        kind switch
        {
            ConversationRow.Conversations => "conversations",
            ConversationRow.Attachments => "attachments",
            ConversationRow.Blobs => "blobs",
            ConversationRow.Messages => "messages",
            ConversationRow.Turns => "turns",
            ConversationRow.Usage => "usage",
            ConversationRow.Steps => "turn_steps",
            ConversationRow.Events => "turn_events",
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
}
