using Microsoft.Extensions.AI;
using Slipway.Agents.Conversations;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests;

/// <summary>
/// Behind PgBouncer in transaction mode, as old as 1.18: one server connection that every transaction may share, no prepared statements.
/// </summary>
public sealed class PgBouncerTests : IAsyncLifetime
{
    private static readonly Principal Ada = new("default", "ada");
    private static readonly Principal Eve = new("default", "eve");

    private PostgresTestDatabase _empty = null!;
    private PgBouncer _pooler = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _empty = await PostgresTestDatabase.CreateEmptyAsync();
        // Whatever a transaction left behind on the one server connection, the next client would meet.
        _pooler = await PgBouncer.StartAsync(_empty.ConnectionString, serverConnections: 1);
    }

    public async ValueTask DisposeAsync()
    {
        if (_pooler is not null)
        {
            await _pooler.DisposeAsync();
        }

        if (_empty is not null)
        {
            await _empty.DisposeAsync();
        }
    }

    [Fact]
    public async Task Everything_works_with_a_direct_connection_beside_it()
    {
        await _empty.ExecuteAsync(await File.ReadAllTextAsync(PostgresTestDatabase.RolesScript, Cancellation));
        await using var store = PostgresStoreFixture.On(_empty, Options());

        var corpus = new Corpus(store);
        await Task.WhenAll(
            Enumerable.Range(0, 8).Select(number => corpus.PublishAsync($"d{number}", $"boiler number{number}"))
        );
        Assert.Equal(8, (await corpus.SearchAsync("boiler", 10)).Count);
        Assert.Equal(8, (await corpus.NearestAsync(WordVectors.Of("boiler"), 10)).Count);
        Assert.Equal(8, await store.Search.MergeAsync(CollectionKey.Default, Cancellation));
        await corpus.DeleteAsync("d0");
        Assert.Equal(7, (await corpus.SearchAsync("boiler", 10)).Count);
        Assert.Equal(
            7,
            await store
                .Documents.ReadLedgerAsync(CollectionKey.Default, Corpus.Source, Cancellation)
                .CountAsync(Cancellation)
        );
    }

    [Fact]
    public async Task Two_users_on_one_server_connection_never_meet()
    {
        await _empty.ExecuteAsync(await File.ReadAllTextAsync(PostgresTestDatabase.RolesScript, Cancellation));
        await using var database = new PostgresDatabase(Options(), TimeProvider.System);
        var conversations = new PostgresConversationStore(database);
        var turns = new PostgresTurnStore(database);

        await Task.WhenAll(
            Enumerable.Range(0, 20).Select(number => StartAsync(turns, number % 2 == 0 ? Ada : Eve, $"c{number}"))
        );

        Assert.Equal(10, (await conversations.ListAsync(Ada, cancellationToken: Cancellation)).Conversations.Count);
        Assert.Equal(
            "slipway_app 10",
            await database.ReadAsync(
                Ada,
                session => session.ScalarAsync("select current_user || ' ' || count(*) from slipway.conversations"),
                Cancellation
            )
        );
        Assert.Equal(
            "",
            await database.ReadAsync(
                null,
                session => session.ScalarAsync("select coalesce(current_setting('slipway.principal', true), '')"),
                Cancellation
            )
        );
    }

    private PostgresStorageOptions Options() =>
        new() { ConnectionString = _pooler.ConnectionString, DirectConnectionString = _empty.ConnectionString };

    private static Task StartAsync(PostgresTurnStore turns, Principal principal, string id) =>
        turns
            .StartTurnAsync(
                new()
                {
                    TurnId = "t-" + id,
                    Principal = principal,
                    ConversationId = id,
                    Messages = [new(ChatRole.User, "hello") { MessageId = "m" }],
                },
                Cancellation
            )
            .AsTask();
}
