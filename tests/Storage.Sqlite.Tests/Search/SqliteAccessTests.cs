using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;

namespace Slipway.Storage.Sqlite.Tests.Search;

[Trait("Tier", "fast")]
public sealed class SqliteAccessTests : IDisposable
{
    private static readonly Principal Bert = new("default", "bert") { Groups = ["service"] };
    private static readonly Principal Admin = new("default", "root") { IsAdmin = true };
    private static readonly Principal Stranger = new("elsewhere", "anna");

    private readonly SearchFile _file = new();
    private readonly SqliteSearchIndex _index;

    public SqliteAccessTests() => _index = new SqliteSearchIndex(_file.Database);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_document_with_grants_is_found_by_those_it_names_only(bool merged)
    {
        await _file.PublishAsync(CollectionKey.Default, "annas", ["user:anna"], "the boiler of anna");
        await _file.PublishAsync(CollectionKey.Default, "groups", ["group:service"], "the boiler of the service");
        await _file.PublishAsync(CollectionKey.Default, "public", [], "the boiler of everyone");
        if (merged)
        {
            await _index.MergeAsync(CollectionKey.Default, TestContext.Current.CancellationToken);
        }

        Assert.Equal(["annas", "public"], await FoundByAsync(SearchFile.Anna));
        Assert.Equal(["groups", "public"], await FoundByAsync(Bert));
        Assert.Equal(["public"], await FoundByAsync(Admin));
        Assert.Empty(await FoundByAsync(Stranger));
    }

    [Fact]
    public async Task There_are_as_many_results_as_asked_for_when_so_many_may_be_seen()
    {
        // The best are hidden; so many that they are not asked for one by one any more.
        for (var i = 0; i < 300; i++)
        {
            await _file.PublishAsync(CollectionKey.Default, $"hidden{i}", ["user:bert"], "boiler boiler boiler");
        }

        for (var i = 0; i < 5; i++)
        {
            await _file.PublishAsync(
                CollectionKey.Default,
                $"open{i}",
                [],
                "a boiler among many other words of this text"
            );
        }

        Assert.Equal(5, (await SearchFile.SearchAsync(_index, "boiler", 10)).Count);
        Assert.Equal(5, (await SearchFile.NearestAsync(_index, WordVectors.Of("boiler"), 10)).Count);
        Assert.Equal(10, (await SearchFile.SearchAsync(_index, "boiler", 10, Bert)).Count);
        await _index.MergeAsync(CollectionKey.Default, TestContext.Current.CancellationToken);
        Assert.Equal(5, (await SearchFile.SearchAsync(_index, "boiler", 10)).Count);
    }

    [Fact]
    public async Task A_revoked_grant_counts_in_the_next_query()
    {
        await _file.PublishAsync(CollectionKey.Default, "annas", ["user:anna"], "boiler");
        Assert.Single(await SearchFile.SearchAsync(_index, "boiler"));

        await _file.Database.WriteAsync(
            session => session.Execute("update document_principals set principal = 'user:bert'"),
            TestContext.Current.CancellationToken
        );

        Assert.Empty(await SearchFile.SearchAsync(_index, "boiler"));
        Assert.Empty(await SearchFile.NearestAsync(_index, WordVectors.Of("boiler")));
    }

    [Fact]
    public async Task Passages_are_not_read_for_whoever_may_not_see_them_even_when_they_are_named()
    {
        await _file.PublishAsync(CollectionKey.Default, "berts", ["user:bert"], "boiler");
        var hit = new ScoredChunk("berts", 0, 1);

        Assert.Empty(await ReadAsync(SearchFile.Anna, hit));
        Assert.Empty(await ReadAsync(Stranger, hit));
        Assert.Single(await ReadAsync(Bert, hit));
        Assert.Empty(await ReadAsync(Bert, new ScoredChunk("berts", 7, 1)));
    }

    [Fact]
    public async Task Collections_do_not_see_each_other()
    {
        var other = new CollectionKey("default", "other");
        await _file.PublishAsync(CollectionKey.Default, "here", [], "boiler");
        await _file.PublishAsync(other, "there", [], "boiler");

        Assert.Equal(["here"], await FoundByAsync(SearchFile.Anna));
        await using var snapshot = await _index.OpenSnapshotAsync(
            other,
            SearchFile.Anna,
            TestContext.Current.CancellationToken
        );
        var hits = await snapshot.SearchTextAsync(
            "boiler",
            10,
            new Bm25Options(),
            TestContext.Current.CancellationToken
        );
        Assert.Equal("there", Assert.Single(hits).DocumentId);
        Assert.Empty(
            await snapshot.ReadPassagesAsync([new ScoredChunk("here", 0, 1)], TestContext.Current.CancellationToken)
        );
    }

    [Fact]
    public async Task A_stored_text_is_read_by_whoever_may_see_it_and_only_in_its_version()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var reader = new SqlitePassageReader(_file.Database);
        await _file.PublishAsync(CollectionKey.Default, "annas", ["user:anna"], "boiler");
        var range = new PassageReference("annas", 1, 2, 5);

        Assert.Equal("ile", await reader.ReadAsync(range, SearchFile.Anna, cancellationToken));
        Assert.Null(await reader.ReadAsync(range, Bert, cancellationToken));
        Assert.Null(await reader.ReadAsync(range, Stranger, cancellationToken));
        Assert.Null(await reader.ReadAsync(range with { Version = 2 }, SearchFile.Anna, cancellationToken));
        Assert.Null(await reader.ReadAsync(range with { End = 7 }, SearchFile.Anna, cancellationToken));
        Assert.Null(await reader.ReadAsync(range with { Start = -1 }, SearchFile.Anna, cancellationToken));
        Assert.Null(await reader.ReadAsync(range with { DocumentId = "nobody" }, SearchFile.Anna, cancellationToken));
    }

    public void Dispose() => _file.Dispose();

    private async Task<IReadOnlyList<string>> FoundByAsync(Principal principal)
    {
        var words = await SearchFile.SearchAsync(_index, "boiler", 10, principal);
        var nearest = await SearchFile.NearestAsync(_index, WordVectors.Of("boiler"), 10, principal);
        Assert.Equal(words.Select(hit => hit.DocumentId).Order(), nearest.Select(hit => hit.DocumentId).Order());
        return [.. words.Select(hit => hit.DocumentId).Order(StringComparer.Ordinal)];
    }

    private async Task<IReadOnlyList<Slipway.Rag.Retrieval.Passage>> ReadAsync(Principal principal, ScoredChunk hit)
    {
        await using var snapshot = await _index.OpenSnapshotAsync(
            CollectionKey.Default,
            principal,
            TestContext.Current.CancellationToken
        );
        return await snapshot.ReadPassagesAsync([hit], TestContext.Current.CancellationToken);
    }
}
