using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentStore.ListAsync"/> and <see cref="IDocumentStore.FindAsync"/>: pages, order, filters.</summary>
public abstract class DocumentListSuite(OpenStore open) : StoreSuite(open)
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1_000)]
    public async Task Pages_follow_one_another_by_code_point_whatever_the_language_of_the_database(int limit)
    {
        // By code point, not by UTF-16 unit (they differ for the last two) and not by a dictionary's rules.
        string[] names = ["", "A.txt", "Z", "_", "a.txt", "a.txt ", "ab", "z", "É", "é", "京", "\uFF01", "😀"];
        foreach (var name in names.Reverse())
        {
            await Corpus.PublishAsync(
                Corpus.Publication("id of " + name) with
                {
                    Document = Corpus.Document("id of " + name) with { Name = name },
                }
            );
        }

        var seen = new List<string>();
        var query = Corpus.Everything with { Limit = limit };
        for (var more = true; more; more = query.After is not null)
        {
            var page = await Store.Documents.ListAsync(query, Token);
            Assert.InRange(page.Documents.Count, 1, limit);
            seen.AddRange(page.Documents.Select(document => document.Name));
            query = query with { After = page.Next };
        }

        Assert.Equal(names, seen);
    }

    [Fact]
    public async Task Documents_of_one_name_come_by_id_and_each_once()
    {
        for (var i = 0; i < 5; i++)
        {
            await Corpus.PublishAsync(
                Corpus.Publication($"{i}") with
                {
                    Document = Corpus.Document($"{i}") with { Name = "same.txt" },
                }
            );
        }

        var seen = new List<string>();
        var query = Corpus.Everything with { Limit = 2 };
        for (var more = true; more; more = query.After is not null)
        {
            var page = await Store.Documents.ListAsync(query, Token);
            seen.AddRange(page.Documents.Select(document => document.Id));
            query = query with { After = page.Next };
        }

        Assert.Equal(Enumerable.Range(0, 5).Select(i => Corpus.Id($"{i}")).Order(StringComparer.Ordinal), seen);
    }

    [Fact]
    public async Task Paging_goes_on_where_it_was_when_documents_come_and_go()
    {
        foreach (var name in new[] { "b", "d", "f", "h" })
        {
            await Corpus.PublishAsync(name, "text");
        }

        var first = await Store.Documents.ListAsync(Corpus.Everything with { Limit = 2 }, Token);
        await Corpus.DeleteAsync("d");
        await Corpus.PublishAsync("a", "text");
        await Corpus.PublishAsync("e", "text");
        var rest = await Store.Documents.ListAsync(Corpus.Everything with { After = first.Next }, Token);

        Assert.Equal(["b", "d"], first.Documents.Select(document => document.Name));
        Assert.Equal(["e", "f", "h"], rest.Documents.Select(document => document.Name));
        Assert.Null(rest.Next);
    }

    [Fact]
    public async Task An_exact_page_is_the_last()
    {
        await Corpus.PublishAsync("a", "text");
        await Corpus.PublishAsync("b", "text");

        Assert.Null((await Store.Documents.ListAsync(Corpus.Everything with { Limit = 2 }, Token)).Next);
    }

    [Theory]
    [InlineData("PRICES", "prices.csv")]
    [InlineData("prices", "prices.csv")]
    [InlineData("list OF pri", "prices.csv")]
    [InlineData("100%", "100%_sure.md")]
    [InlineData("%", "100%_sure.md")]
    [InlineData("_", "100%_sure.md")]
    [InlineData("\\", "back\\slash.md")]
    [InlineData("'", "it's.md")]
    [InlineData("é", "café.md")]
    [InlineData("É", null)]
    [InlineData("*", null)]
    [InlineData("prices\0", null)]
    public async Task A_part_of_name_or_title_is_found_as_it_is_written(string contains, string? expected)
    {
        await Corpus.PublishAsync(Corpus.Publication("prices.csv") with { Title = "List of Prices" });
        foreach (var name in new[] { "100%_sure.md", "back\\slash.md", "it's.md", "café.md", "plain.md" })
        {
            await Corpus.PublishAsync(Corpus.Publication(name) with { Title = "Another" });
        }

        var found = await Corpus.ListAsync(Corpus.Everything with { Contains = contains });

        Assert.Equal(expected is null ? [] : [expected], found.Select(document => document.Name));
    }

    [Fact]
    public async Task A_list_is_narrowed_to_source_state_and_collection()
    {
        await Corpus.PublishAsync("a", "text");
        await Corpus.PublishAsync(Corpus.Publication("b", "text") with { Source = "other" });
        await Store.Documents.RecordFailureAsync(Corpus.Failure("c"), Token);
        await Store.Documents.RecordFailureAsync(Corpus.Failure("d", DocumentState.Quarantined), Token);
        await Corpus.PublishAsync(Corpus.Publication("e", "text") with { Collection = new("default", "more") });

        Assert.Equal("abcd", await NamesAsync(Corpus.Everything));
        Assert.Equal("b", await NamesAsync(Corpus.Everything with { Source = "other" }));
        Assert.Equal("ab", await NamesAsync(Corpus.Everything with { State = DocumentState.Published }));
        Assert.Equal("d", await NamesAsync(Corpus.Everything with { State = DocumentState.Quarantined }));
        Assert.Equal("c", await NamesAsync(Corpus.Everything with { Source = "test", State = DocumentState.Failed }));
        Assert.Equal("", await NamesAsync(Corpus.Everything with { State = DocumentState.Skipped }));
        Assert.Equal("e", await NamesAsync(Corpus.Everything with { Collection = new("default", "more") }));
        Assert.Equal("", await NamesAsync(Corpus.Everything with { Collection = new("elsewhere", "default") }));

        async Task<string> NamesAsync(DocumentQuery query) =>
            string.Concat((await Corpus.ListAsync(query)).Select(document => document.Name));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1_001)]
    public async Task A_page_size_out_of_range_is_an_error(int limit) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () =>
            await Store.Documents.ListAsync(Corpus.Everything with { Limit = limit }, Token)
        );

    [Theory]
    [InlineData("nonsense!")]
    [InlineData("AAAA")]
    public async Task A_mark_that_was_not_given_out_is_an_error_with_words(string after)
    {
        var error = await Assert.ThrowsAsync<SlipwayException>(async () =>
            await Store.Documents.ListAsync(Corpus.Everything with { After = after }, Token)
        );

        Assert.Equal(ErrorClass.Permanent, error.Class);
        Assert.NotNull(error.Fix);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody")]
    [InlineData("' or 1=1 --")]
    [InlineData("a\0b")]
    [InlineData("京\"😀")]
    public async Task An_id_that_nobody_has_is_nothing(string id)
    {
        await Corpus.PublishAsync("a", "text");

        Assert.Null(await Store.Documents.FindAsync(Corpus.Anna, id, Token));
        Assert.Null(await Store.Documents.ReadTextAsync(Corpus.Anna, id, Token));
        Assert.Null(await Store.Passages.ReadAsync(new PassageReference(id, 1, 0, 1), Corpus.Anna, Token));
        Assert.Equal(0, await Store.Documents.DeleteAsync(CollectionKey.Default, [id], Token));
    }
}
