using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal;
using Slipway.Storage.Postgres.Tests.Conformance;

namespace Slipway.Storage.Postgres.Tests;

public sealed class PostgresDocumentMaintenanceTests : IAsyncLifetime
{
    private PostgresTestDatabase _database = null!;
    private PostgresStoreFixture _store = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresTestDatabase.CreateAsync();
        _store = PostgresStoreFixture.On(_database, _database.Options);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>Row-level security would hide the conversations that quote the document, without a word.</summary>
    [Fact]
    public async Task A_login_that_row_level_security_binds_erases_nothing()
    {
        var id = await new Corpus(_store).PublishAsync("a.md", "boiler");

        var error = await Assert.ThrowsAsync<SlipwayException>(() => EraseAsAsync("slipway_app", id));

        Assert.Equal(ErrorClass.Authentication, error.Class);
        Assert.Contains("sees only some of the conversations", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, await _store.CountAsync(StoredKind.Documents, Token));
    }

    [Fact]
    public async Task A_login_that_may_not_vacuum_says_that_the_free_space_is_left()
    {
        var id = await new Corpus(_store).PublishAsync("a.md", "boiler");

        var erased = (await EraseAsAsync("slipway_background", id))!;

        Assert.Equal((1, false), (erased.Documents, erased.FreeSpaceCleaned));
        Assert.Equal(0, await _store.CountAsync(StoredKind.Documents, Token));
    }

    [Fact]
    public async Task The_planners_samples_of_an_erased_document_are_gone()
    {
        var corpus = new Corpus(_store);
        var id = await corpus.PublishAsync("a.md", "Xylophagus7");
        await corpus.PublishAsync("b.md", "boiler");
        await _database.ExecuteAsync("analyze slipway.chunks");
        const string samples =
            "select count(*) from pg_stats where schemaname = 'slipway' and pg_stats::text like '%Xylophagus7%'";
        Assert.NotEqual(0L, await _database.ExecuteAsync(samples));

        await _store.Maintenance.EraseAsync(CollectionKey.Default, id, Token);

        Assert.Equal(0L, await _database.ExecuteAsync(samples));
    }

    private async Task<DocumentErasure?> EraseAsAsync(string role, string id)
    {
        await using var login = await TestLogin.CreateAsync(_database, role);
        await using var database = new PostgresDatabase(login.Options, TimeProvider.System);
        return await new PostgresDocumentMaintenance(database).EraseAsync(CollectionKey.Default, id, Token);
    }
}
