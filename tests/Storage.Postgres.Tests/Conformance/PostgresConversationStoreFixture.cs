using Slipway.Agents.Conversations;
using Slipway.Agents.Conversations.Internal;
using Slipway.Agents.Testing;
using Slipway.Agents.Turns;
using Slipway.Internal;
using Slipway.Storage.Postgres.Internal;

namespace Slipway.Storage.Postgres.Tests.Conformance;

/// <summary>A database of its own. The store steps down to slipway_app, so every suite runs under row-level security.</summary>
internal sealed class PostgresConversationStoreFixture : ConversationStoreFixture
{
    private readonly PostgresTestDatabase _test;
    private readonly PostgresDatabase _database;
    private readonly PostgresChangeSignal _changes;
    private readonly bool _owns;

    private PostgresConversationStoreFixture(
        PostgresTestDatabase test,
        TimeProvider time,
        bool owns,
        ProcessIdentity? process = null
    )
    {
        (_test, _owns) = (test, owns);
        _database = new PostgresDatabase(test.DataSource, ownsDataSource: false, test.Options, time);
        Conversations = new PostgresConversationStore(_database, process: process);
        Turns = new PostgresTurnStore(_database, process);
        _changes = new PostgresChangeSignal(_database);
    }

    public override IConversationStore Conversations { get; }

    public override ITurnStore Turns { get; }

    public override IChangeSignal Changes => _changes;

    public override IAttachmentStore Attachments => new PostgresAttachmentStore(_database);

    public override IBlobStore Blobs => new PostgresBlobStore(_database);

    public static async ValueTask<ConversationStoreFixture> OpenAsync(
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    ) => new PostgresConversationStoreFixture(await PostgresTestDatabase.CreateAsync(), timeProvider, owns: true);

    public override ValueTask<ConversationStoreFixture> ReopenAsync(CancellationToken cancellationToken) =>
        new(new PostgresConversationStoreFixture(_test, _database.Time, owns: false));

    public override ValueTask<ConversationStoreFixture> ReopenAsEndedProcessAsync(
        CancellationToken cancellationToken
    ) =>
        new(
            new PostgresConversationStoreFixture(
                _test,
                _database.Time,
                owns: false,
                new ProcessIdentity(ProcessIdentity.Current.Host, int.MaxValue, 1)
            )
        );

    public override async ValueTask<long> CountAsync(ConversationRow kind, CancellationToken cancellationToken) =>
        (long)(await _test.ExecuteAsync($"select count(*) from slipway.{Table(kind)}"))!;

    public override async ValueTask ShiftClockAsync(TimeSpan by, CancellationToken cancellationToken) =>
        await _test.ShiftClockAsync(by);

    public override async ValueTask OverwriteMessageAsync(
        long sequence,
        int format,
        string content,
        CancellationToken cancellationToken
    ) =>
        await _database.WriteAsync(
            null,
            session =>
                session.ExecuteAsync(
                    "update slipway.messages set format = $2, content = $3 where sequence = $1",
                    sequence,
                    format,
                    content
                ),
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
