using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Sqlite.Internal.Search;
using Slipway.Storage.Sqlite.Tests.Ingestion;

namespace Slipway.Storage.Sqlite.Tests.Search;

[Trait("Tier", "fast")]
public sealed class SqliteLexicalSearchTests : IDisposable
{
    private readonly SearchFile _file = new();
    private readonly SqliteSearchIndex _index;

    public SqliteLexicalSearchTests() => _index = new SqliteSearchIndex(_file.Database);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

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
        await _file.PublishAsync("kyoto-ja", "京都大学の地図");
        await _file.PublishAsync("boiler-ja", "このボイラーの圧力");
        await _file.PublishAsync("boiler-ko", "보일러를 켜세요");
        await _file.PublishAsync("coffee-th", "เครื่องชงกาแฟสด");
        await _file.PublishAsync("dessert", "Crème brûlée with sugar");
        await _file.PublishAsync("hose", "The connection of the hose");
        await _file.PublishAsync("code", "struct DiffExecutor wraps two of them");
        await _file.PublishAsync("version", "needs .NET 10.0.15 or newer");

        Assert.Equal(expected, (await SearchFile.SearchAsync(_index, query))[0].DocumentId);
    }

    [Fact]
    public async Task Equal_scores_come_by_document_and_chunk_whatever_the_order_of_publishing()
    {
        await _file.PublishAsync("c", "boiler", "boiler");
        await _file.PublishAsync("a", "boiler");
        await _index.MergeAsync(CollectionKey.Default, Token);
        await _file.PublishAsync("b", "boiler");

        var hits = await SearchFile.SearchAsync(_index, "boiler", 3);

        Assert.Equal([("a", 0), ("b", 0), ("c", 0)], hits.Select(hit => (hit.DocumentId, hit.Ordinal)));
        Assert.Single(hits.Select(hit => hit.Score).Distinct());
    }

    [Fact]
    public async Task A_snapshot_keeps_its_moment_while_others_publish_delete_and_merge()
    {
        await _file.PublishAsync("a", "boiler");
        await _file.PublishAsync("b", "boiler boiler");
        Assert.Equal(2, (await SearchFile.NearestAsync(_index, WordVectors.Of("boiler"))).Count); // now in memory
        await using var snapshot = await _index.OpenSnapshotAsync(CollectionKey.Default, SearchFile.Anna, Token);

        await _file.PublishAsync("c", "boiler boiler boiler");
        await _file.DeleteAsync("a");
        await _index.MergeAsync(CollectionKey.Default, Token);
        Assert.Equal(
            ["b", "c"],
            (await SearchFile.SearchAsync(_index, "boiler")).Select(hit => hit.DocumentId).Order()
        );
        Assert.Equal(
            ["b", "c"],
            (await SearchFile.NearestAsync(_index, WordVectors.Of("boiler"))).Select(hit => hit.DocumentId).Order()
        );

        var words = await snapshot.SearchTextAsync("boiler", 10, new Bm25Options(), Token);
        var nearest = await snapshot.SearchVectorsAsync(SearchFile.Model, WordVectors.Of("boiler"), 10, Token);
        Assert.Equal(["a", "b"], words.Select(hit => hit.DocumentId).Order());
        Assert.Equal(["a", "b"], nearest.Select(hit => hit.DocumentId).Order());
        Assert.Equal(2, (await snapshot.ReadPassagesAsync(words, Token)).Count);
    }

    [Fact]
    public async Task Passages_carry_their_provenance()
    {
        await _file.Database.WriteAsync(
            session =>
                SearchFile.Publish(
                    session,
                    CollectionKey.Default,
                    "manual",
                    [],
                    [SearchFile.Chunk(0, "first"), SearchFile.Chunk(1, "the boiler", "Chapter")]
                ),
            Token
        );

        await using var snapshot = await _index.OpenSnapshotAsync(CollectionKey.Default, SearchFile.Anna, Token);
        var hits = await snapshot.SearchTextAsync("boiler chapter", 10, new Bm25Options(), Token);
        var passage = Assert.Single(await snapshot.ReadPassagesAsync(hits, Token));

        Assert.Equal(new PassageReference("manual", 1, 1000, 1010), passage.Reference);
        Assert.Equal(
            ("the boiler", 1, "Title of manual", "manual.md", "test"),
            (passage.Text, passage.Ordinal, passage.Title, passage.Name, passage.Source)
        );
        Assert.Equal(["Chapter"], passage.Headings);
        Assert.Equal(hits[0].Score, passage.Score);
    }

    [Fact]
    public async Task Many_documents_fill_many_buckets_and_their_slots_are_used_again()
    {
        // 6,000 chunks: two buckets.
        await _file.Database.WriteAsync(
            session =>
            {
                for (var i = 0; i < 1200; i++)
                {
                    SearchFile.Publish(session, CollectionKey.Default, $"d{i:D4}", [], Chunks(i));
                }
            },
            Token
        );
        Assert.Equal(1200, await _index.MergeAsync(CollectionKey.Default, Token));
        Assert.Equal(0, await _index.MergeAsync(CollectionKey.Default, Token));
        Assert.Equal(2L, await CountAsync("lexical_buckets"));
        Assert.Equal(0L, await CountAsync("lexical_deltas"));

        for (var i = 0; i < 10; i++)
        {
            await _file.DeleteAsync($"d{i:D4}");
        }

        await _file.PublishAsync("new", Word(1199), Word(5));
        await _index.MergeAsync(CollectionKey.Default, Token);

        Assert.Equal(2L, await CountAsync("lexical_buckets"));
        Assert.Equal(["d1199", "new"], await FindAsync(Word(1199)));
        Assert.Equal(["new"], await FindAsync(Word(5)));

        static ChunkRecord[] Chunks(int i) =>
            [.. Enumerable.Range(0, 5).Select(ordinal => SearchFile.Chunk(ordinal, $"{Word(i)} chunk{ordinal} water"))];
    }

    [Fact]
    public async Task A_merge_writes_nothing_where_nothing_changed()
    {
        await _file.PublishAsync("a", "pump valve", "boiler");
        await _index.MergeAsync(CollectionKey.Default, Token);
        var before = await PostingRowsAsync();

        await _file.PublishAsync("a", "pump valve", "grinder");
        await _index.MergeAsync(CollectionKey.Default, Token);

        var after = await PostingRowsAsync();
        Assert.Equal(before.Count, after.Count);
        Assert.Equal(2, before.Intersect(after).Count());
    }

    [Fact]
    public async Task An_index_keeps_the_analyser_it_was_made_with()
    {
        await _file.Database.WriteAsync(
            session => _ = SqliteIndexWriter.GetOrCreateIndex(session, CollectionKey.Default, AnalyzerOptions.Plain),
            Token
        );
        await _file.PublishAsync("a", "connections");

        Assert.Empty(await SearchFile.SearchAsync(_index, "connection"));
        Assert.Single(await SearchFile.SearchAsync(_index, "connections"));
    }

    [Fact]
    public async Task Ingestion_makes_a_new_index_with_the_analyser_of_its_options()
    {
        using var knowledge = new Knowledge(options: new IngestionOptions { Analyzer = AnalyzerOptions.Plain });
        knowledge.Write("a.txt", "connections");
        await knowledge.RunAsync();

        Assert.Empty(await knowledge.SearchAsync("connection"));
        Assert.Equal(["a.txt"], await knowledge.SearchAsync("connections"));
    }

    [Fact]
    public async Task Damaged_index_data_are_an_error_that_names_the_file()
    {
        await _file.PublishAsync("a", "boiler");
        await _index.MergeAsync(CollectionKey.Default, Token);
        await _file.Database.WriteAsync(
            session => session.Execute("update lexical_postings set data = x'ffffff'"),
            Token
        );

        var exception = await Assert.ThrowsAsync<SlipwayException>(() => SearchFile.SearchAsync(_index, "boiler"));

        Assert.Equal(ErrorClass.Configuration, exception.Class);
        Assert.Contains(_file.Database.Path, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_collection_and_words_that_nobody_wrote_find_nothing()
    {
        Assert.Empty(await SearchFile.SearchAsync(_index, "boiler"));
        Assert.Empty(await SearchFile.NearestAsync(_index, WordVectors.Of("boiler")));
        Assert.Equal(0, await _index.MergeAsync(CollectionKey.Default, Token));

        await _file.PublishAsync("a", "boiler");

        Assert.Empty(await SearchFile.SearchAsync(_index, "grinder"));
        Assert.Empty(await SearchFile.SearchAsync(_index, "?!"));
        Assert.Empty(await SearchFile.SearchAsync(_index, "boiler", 0));
    }

    public void Dispose() => _file.Dispose();

    // Letters: a number would be found by its parts as well.
    private static string Word(int i) => string.Concat($"{i:D4}".Select(digit => "bcdfghjklm"[digit - '0']));

    private async Task<IReadOnlyList<string>> FindAsync(string query) =>
        [.. (await SearchFile.SearchAsync(_index, query)).Select(hit => hit.DocumentId).Distinct().Order()];

    private ValueTask<long> CountAsync(string table) =>
        _file.Database.ReadAsync(session => (long)session.Scalar("select count(*) from " + table)!, Token);

    private ValueTask<List<string>> PostingRowsAsync() =>
        _file.Database.ReadAsync(
            session =>
            {
                var rows = new List<string>();
                using var reader = session.Query(
                    "select term || ' ' || bucket || ' ' || hex(data) from lexical_postings"
                );
                while (reader.Read())
                {
                    rows.Add(reader.GetString(0));
                }

                return rows;
            },
            Token
        );
}
