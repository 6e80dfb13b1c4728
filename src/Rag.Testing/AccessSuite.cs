using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>Grants, tenants and collections: who finds and reads what.</summary>
public abstract class AccessSuite(OpenStore open) : StoreSuite(open)
{
    private static readonly Principal Admin = new("default", "root") { IsAdmin = true };
    private static readonly Principal Stranger = new("elsewhere", "anna");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_document_with_grants_is_found_by_those_it_names_only(bool merged)
    {
        await Corpus.PublishForAsync(["user:anna"], "annas", "the boiler of anna");
        await Corpus.PublishForAsync(["group:service", "user:nobody"], "groups", "the boiler of the service");
        await Corpus.PublishForAsync([], "public", "the boiler of everyone");
        if (merged)
        {
            await Corpus.MergeAsync();
        }

        await AssertFoundAsync(Corpus.Anna, "annas", "public");
        await AssertFoundAsync(Corpus.Bert, "groups", "public");
        await AssertFoundAsync(Admin, "public");
        await AssertFoundAsync(Stranger);
        await AssertFoundAsync(new Principal("default", "ANNA"), "public");
        await AssertFoundAsync(new Principal("default", "group:service"), "public");
        await AssertFoundAsync(new Principal("default", "x") { Groups = ["anna", "user:anna"] }, "public");
    }

    [Fact]
    public async Task There_are_as_many_results_as_asked_for_when_so_many_may_be_seen()
    {
        // The best are hidden; so many that they are not asked for one by one any more.
        await Corpus.PublishManyAsync(
            Enumerable
                .Range(0, 300)
                .Select(i =>
                    Corpus.Publication($"hidden{i}", "boiler boiler boiler") with
                    {
                        Document = Corpus.Document($"hidden{i}", "user:bert"),
                    }
                )
        );

        for (var i = 0; i < 5; i++)
        {
            await Corpus.PublishAsync($"open{i}", "a boiler among many other words of this text");
        }

        Assert.Equal(5, (await Corpus.SearchAsync("boiler", 10)).Count);
        Assert.Equal(5, (await Corpus.NearestAsync(WordVectors.Of("boiler"), 10)).Count);
        Assert.Equal(10, (await Corpus.SearchAsync("boiler", 10, Corpus.Bert)).Count);
        await Corpus.MergeAsync();
        Assert.Equal(5, (await Corpus.SearchAsync("boiler", 10)).Count);
    }

    [Fact]
    public async Task What_is_hidden_counts_in_the_statistics_so_that_scores_are_the_same_for_everybody()
    {
        await Corpus.PublishForAsync(["user:bert"], "hidden", "boiler pump");
        await Corpus.PublishAsync("open", "boiler");

        Assert.Equal(
            (await Corpus.SearchAsync("boiler", 10, Corpus.Bert)).Single(hit => hit.DocumentId == Corpus.Id("open")),
            Assert.Single(await Corpus.SearchAsync("boiler"))
        );
    }

    [Fact]
    public async Task A_revoked_grant_counts_in_the_next_query_of_every_process()
    {
        await using var other = await Store.ReopenAsync(Token);
        var id = await Corpus.PublishForAsync(["user:anna"], "annas", "boiler");
        Assert.Single(await Corpus.SearchAsync("boiler"));
        Assert.Single(await Corpus.SearchAsync(other.Search, "boiler"));
        Assert.Single(await Corpus.NearestAsync(other.Search, WordVectors.Of("boiler")));

        await Store.Documents.MarkSeenAsync(
            CollectionKey.Default,
            Corpus.Source,
            [(id, Corpus.Document("annas", "user:bert"), Corpus.SeenAt)],
            Token
        );

        foreach (var index in new[] { Store.Search, other.Search })
        {
            Assert.Empty(await Corpus.SearchAsync(index, "boiler"));
            Assert.Empty(await Corpus.NearestAsync(index, WordVectors.Of("boiler")));
            Assert.Single(await Corpus.SearchAsync(index, "boiler", principal: Corpus.Bert));
        }

        Assert.Null(await Store.Documents.FindAsync(Corpus.Anna, id, Token));
        await Corpus.PublishForAsync([], "annas", "boiler");
        Assert.Single(await Corpus.SearchAsync("boiler"));
    }

    [Fact]
    public async Task Passages_are_not_read_for_whoever_may_not_see_them_even_when_they_are_named()
    {
        var hit = new ScoredChunk(await Corpus.PublishForAsync(["user:bert"], "berts", "boiler"), 0, 1);

        Assert.Empty(await ReadAsync(Corpus.Anna, hit));
        Assert.Empty(await ReadAsync(Stranger, hit));
        Assert.Single(await ReadAsync(Corpus.Bert, hit));
        Assert.Empty(await ReadAsync(Corpus.Bert, hit with { Ordinal = 7 }));
    }

    [Fact]
    public async Task Collections_do_not_see_each_other()
    {
        var other = new CollectionKey("default", "other");
        var here = await Corpus.PublishAsync("here", "boiler");
        var there = await Corpus.PublishAsync(Corpus.Publication("there", "boiler") with { Collection = other });

        await AssertFoundAsync(Corpus.Anna, "here");
        await using var snapshot = await Store.Search.OpenSnapshotAsync(other, Corpus.Anna, Token);
        var hits = await snapshot.SearchTextAsync("boiler", 10, new Bm25Options(), Token);
        Assert.Equal(there, Assert.Single(hits).DocumentId);
        Assert.Equal(
            there,
            Assert
                .Single(await snapshot.SearchVectorsAsync(Corpus.Model, WordVectors.Of("boiler"), 10, Token))
                .DocumentId
        );
        Assert.Empty(await snapshot.ReadPassagesAsync([new ScoredChunk(here, 0, 1)], Token));
    }

    [Fact]
    public async Task Documents_are_found_listed_and_read_by_whoever_may_see_them()
    {
        var annas = await Corpus.PublishForAsync(["user:anna"], "annas", "text");
        var groups = await Corpus.PublishForAsync(["group:service"], "groups", "text");
        var shared = await Corpus.PublishForAsync([], "open", "text");

        foreach (
            var (principal, visible) in new[]
            {
                (Corpus.Anna, new[] { annas, shared }),
                (Corpus.Bert, [groups, shared]),
                (Admin, [shared]),
                (Stranger, []),
            }
        )
        {
            foreach (var id in new[] { annas, groups, shared })
            {
                var seen = visible.Contains(id);
                Assert.Equal(seen, await Store.Documents.FindAsync(principal, id, Token) is not null);
                Assert.Equal(seen, await Store.Documents.ReadTextAsync(principal, id, Token) is not null);
                Assert.Equal(
                    seen ? "ex" : null,
                    await Store.Passages.ReadAsync(new PassageReference(id, 1, 1, 3), principal, Token)
                );
            }

            Assert.Equal(
                visible,
                (await Corpus.ListAsync(Corpus.Everything with { Principal = principal })).Select(document =>
                    document.Id
                )
            );
        }
    }

    private async Task AssertFoundAsync(Principal principal, params string[] names)
    {
        var expected = names.Select(Corpus.Id).Order(StringComparer.Ordinal);
        var words = await Corpus.SearchAsync("boiler", 10, principal);
        var nearest = await Corpus.NearestAsync(WordVectors.Of("boiler"), 10, principal);
        Assert.Equal(expected, words.Select(hit => hit.DocumentId).Order(StringComparer.Ordinal));
        Assert.Equal(expected, nearest.Select(hit => hit.DocumentId).Order(StringComparer.Ordinal));
    }

    private async Task<IReadOnlyList<Passage>> ReadAsync(Principal principal, ScoredChunk hit)
    {
        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, principal, Token);
        return await snapshot.ReadPassagesAsync([hit], Token);
    }
}
