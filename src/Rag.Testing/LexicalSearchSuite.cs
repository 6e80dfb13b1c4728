using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="ISearchSnapshot.SearchTextAsync"/> and what a snapshot is.</summary>
public abstract class LexicalSearchSuite(OpenStore open) : StoreSuite(open)
{
    [Theory]
    [InlineData("京都", "kyoto-ja")]
    [InlineData("ボイラー", "boiler-ja")]
    [InlineData("보일러", "boiler-ko")]
    [InlineData("กาแฟ", "coffee-th")]
    [InlineData("creme brulee", "dessert")]
    [InlineData("connecting", "hose")]
    [InlineData("DiffExecutor", "code")]
    [InlineData("executor", "code")]
    [InlineData("10.0.15", "version")]
    public async Task Questions_in_many_scripts_find_their_document(string query, string expected)
    {
        await Corpus.PublishAsync("kyoto-ja", "京都大学の地図");
        await Corpus.PublishAsync("boiler-ja", "このボイラーの圧力");
        await Corpus.PublishAsync("boiler-ko", "보일러를 켜세요");
        await Corpus.PublishAsync("coffee-th", "เครื่องชงกาแฟสด");
        await Corpus.PublishAsync("dessert", "Crème brûlée with sugar");
        await Corpus.PublishAsync("hose", "The connection of the hose");
        await Corpus.PublishAsync("code", "struct DiffExecutor wraps two of them");
        await Corpus.PublishAsync("version", "needs .NET 10.0.15 or newer");

        Assert.Equal(Corpus.Id(expected), (await Corpus.SearchAsync(query))[0].DocumentId);
    }

    [Fact]
    public async Task Equal_scores_come_by_document_and_chunk_whatever_the_order_of_publishing()
    {
        await Corpus.PublishAsync("c", "boiler", "boiler");
        await Corpus.PublishAsync("a", "boiler");
        await Corpus.MergeAsync();
        await Corpus.PublishAsync("b", "boiler");

        var hits = await Corpus.SearchAsync("boiler", 4);

        var expected = new[] { ("a", 0), ("b", 0), ("c", 0), ("c", 1) }
            .Select(hit => (Corpus.Id(hit.Item1), hit.Item2))
            .OrderBy(hit => hit.Item1, StringComparer.Ordinal)
            .ThenBy(hit => hit.Item2);
        Assert.Equal(expected, hits.Select(hit => (hit.DocumentId, hit.Ordinal)));
        Assert.Single(hits.Select(hit => hit.Score).Distinct());
    }

    [Fact]
    public async Task A_snapshot_keeps_its_moment_while_others_publish_delete_and_merge()
    {
        var (a, b, c) = (Corpus.Id("a"), Corpus.Id("b"), Corpus.Id("c"));
        await Corpus.PublishAsync("a", "boiler");
        await Corpus.PublishAsync("b", "boiler boiler");
        Assert.Equal(2, (await Corpus.NearestAsync(WordVectors.Of("boiler"))).Count); // now in memory
        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, Corpus.Anna, Token);

        await Corpus.PublishAsync("c", "boiler boiler boiler");
        await Corpus.DeleteAsync("a");
        await Corpus.MergeAsync();
        AssertFound([b, c], await Corpus.SearchAsync("boiler"));
        AssertFound([b, c], await Corpus.NearestAsync(WordVectors.Of("boiler")));

        var words = await snapshot.SearchTextAsync("boiler", 10, new Bm25Options(), Token);
        var nearest = await snapshot.SearchVectorsAsync(Corpus.Model, WordVectors.Of("boiler"), 10, Token);
        AssertFound([a, b], words);
        AssertFound([a, b], nearest);
        Assert.Equal(2, (await snapshot.ReadPassagesAsync(words, Token)).Count);
    }

    [Fact]
    public async Task Passages_carry_their_provenance_in_the_given_order()
    {
        var id = await Corpus.PublishAsync(
            Corpus.Publication("manual") with
            {
                Document = Corpus.Document("manual") with { Uri = "https://example.com/manual" },
                Chunks =
                [
                    Corpus.Chunk(0, 0, "first"),
                    Corpus.Chunk(1, 5, "the boiler", "Part \"one\"", "Chapter") with
                    {
                        RepeatedHeader = "| part | price |",
                    },
                ],
            }
        );

        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, Corpus.Anna, Token);
        var hits = await snapshot.SearchTextAsync("boiler chapter", 10, new Bm25Options(), Token);
        var passage = Assert.Single(await snapshot.ReadPassagesAsync(hits, Token));

        Assert.Equal(new PassageReference(id, 1, 5, 15), passage.Reference);
        Assert.Equal(
            ("the boiler", 1, "Title of manual", "manual", Corpus.Source),
            (passage.Text, passage.Ordinal, passage.Title, passage.Name, passage.Source)
        );
        Assert.Equal(
            ("https://example.com/manual", "text/plain", "| part | price |"),
            (passage.Uri, passage.MediaType, passage.RepeatedHeader)
        );
        Assert.Equal(["Part \"one\"", "Chapter"], passage.Headings);
        Assert.Equal(hits[0].Score, passage.Score);

        ScoredChunk[] chosen = [new(id, 1, 0.5), new("nobody", 0, 1), new(id, 0, 0.25), new(id, 2, 1), new(id, 1, 0.1)];
        Assert.Equal(
            [(1, 0.5), (0, 0.25), (1, 0.1)],
            (await snapshot.ReadPassagesAsync(chosen, Token)).Select(read => (read.Ordinal, read.Score))
        );
        Assert.Empty(await snapshot.ReadPassagesAsync([], Token));
    }

    [Fact]
    public async Task Headings_are_searched_with_the_text_below_them()
    {
        var id = await Corpus.PublishAsync(
            Corpus.Publication("manual") with
            {
                Chunks =
                [
                    Corpus.Chunk(0, 0, "Every month.", "Descaling"),
                    Corpus.Chunk(1, 12, "Every year.", "Gaskets"),
                ],
            }
        );

        Assert.Equal((id, 1), Hit(Assert.Single(await Corpus.SearchAsync("gaskets"))));
        Assert.Equal((id, 0), Hit((await Corpus.SearchAsync("descaling every month"))[0]));

        static (string, int) Hit(ScoredChunk hit) => (hit.DocumentId, hit.Ordinal);
    }

    [Fact]
    public async Task A_merge_folds_in_what_is_pending_once_and_changes_no_answer()
    {
        var naive = new NaiveBm25();
        for (var i = 0; i < 150; i++)
        {
            string[] texts = [$"{Word(i)} water", $"{Word(i % 7)} pump"];
            naive.Documents[await Corpus.PublishAsync($"d{i}", texts)] = texts;
        }

        var before = await Corpus.SearchAsync(Word(5) + " water", 50);
        var merged = await Corpus.MergeAsync();
        Assert.InRange(merged, 0, 150); // a store may merge by itself
        Assert.Equal(0, await Corpus.MergeAsync());
        Assert.Equal(naive.Search(Word(5) + " water", 50), before);
        Assert.Equal(before, await Corpus.SearchAsync(Word(5) + " water", 50));

        // What is gone gives its place to what comes.
        for (var i = 0; i < 20; i++)
        {
            await Corpus.DeleteAsync($"d{i}");
            naive.Documents.Remove(Corpus.Id($"d{i}"));
        }

        naive.Documents[await Corpus.PublishAsync("new", Word(149), Word(5))] = [Word(149), Word(5)];
        await Corpus.MergeAsync();
        foreach (var query in new[] { Word(149), Word(5), "water" })
        {
            Assert.Equal(naive.Search(query, 30), await Corpus.SearchAsync(query, 30));
        }
    }

    [Fact]
    public async Task An_index_keeps_the_analyser_it_was_made_with()
    {
        await Corpus.PublishAsync(Corpus.Publication("a", "connections") with { Analyzer = AnalyzerOptions.Plain });
        await Corpus.PublishAsync(Corpus.Publication("b", "connections") with { Analyzer = AnalyzerOptions.English });

        Assert.Empty(await Corpus.SearchAsync("connection"));
        Assert.Equal(2, (await Corpus.SearchAsync("connections")).Count);
        await using var other = await Store.ReopenAsync(Token);
        Assert.Empty(await Corpus.SearchAsync(other.Search, "connection"));
    }

    [Fact]
    public async Task The_constants_of_bm25_are_those_of_the_query()
    {
        var naive = new NaiveBm25();
        foreach (var (name, text) in new[] { ("long", "boiler boiler and many other words"), ("short", "boiler") })
        {
            naive.Documents[await Corpus.PublishAsync(name, text)] = [text];
        }

        await using var snapshot = await Store.Search.OpenSnapshotAsync(CollectionKey.Default, Corpus.Anna, Token);
        foreach (var (k1, b) in new[] { (0.9, 0.4), (2.0, 0.0), (2.0, 1.0), (0.0, 0.5) })
        {
            var hits = await snapshot.SearchTextAsync("boiler", 5, new Bm25Options { K1 = k1, B = b }, Token);
            Assert.Equal(naive.Search("boiler", 5, k1, b), hits);
        }
    }

    [Fact]
    public async Task An_empty_collection_and_words_that_nobody_wrote_find_nothing()
    {
        Assert.Empty(await Corpus.SearchAsync("boiler"));
        Assert.Empty(await Corpus.NearestAsync(WordVectors.Of("boiler")));
        Assert.Equal(0, await Corpus.MergeAsync());

        await Corpus.PublishAsync("a", "boiler");

        Assert.Empty(await Corpus.SearchAsync("grinder"));
        Assert.Empty(await Corpus.SearchAsync("?!"));
        Assert.Empty(await Corpus.SearchAsync(""));
        Assert.Empty(await Corpus.SearchAsync("boiler", 0));
        Assert.Single(await Corpus.SearchAsync("boiler\0 ' \" % \uD83D " + new string('x', 10_000)));
    }

    // Letters: a number would be found by its parts as well.
    private static string Word(int i) => string.Concat($"{i:D4}".Select(digit => "bcdfghjklm"[digit - '0']));

    private static void AssertFound(IEnumerable<string> expected, IEnumerable<ScoredChunk> hits) =>
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            hits.Select(hit => hit.DocumentId).Order(StringComparer.Ordinal)
        );
}
