using CsCheck;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>
/// Filters inside the search: a search with a filter gives what ranking everything and filtering afterwards would give, and as many results
/// as asked for when so many match.
/// </summary>
public abstract class FilterSuite(OpenStore open) : StoreSuite(open)
{
    private const string Query = "boiler steam pump";

    private int _collections;

    /// <summary>
    /// The search side, once for each way in which it may work; all must give the same. A store whose strategy depends on numbers that a small
    /// test does not reach adds an index with smaller ones.
    /// </summary>
    protected virtual IReadOnlyList<ISearchIndex> Indexes => [Store.Search];

    [Fact]
    public async Task A_filtered_search_is_the_unfiltered_one_without_what_does_not_match() =>
        await Gen.Select(FilterGen.Document.Array[30, 60], FilterGen.Filter(3).Array[40])
            .SampleAsync(
                async (documents, filters) =>
                {
                    var collection = new CollectionKey("default", $"generated{_collections++}");
                    var published = new List<FilteredDocument>();
                    var naive = new NaiveBm25();
                    foreach (var (i, document) in documents.Index())
                    {
                        var id = await PublishAsync(collection, i, document);
                        naive.Documents.Add(id, document.Texts);
                        published.Add(
                            new FilteredDocument(
                                id,
                                document.Name,
                                document.Source,
                                document.MediaType,
                                document.ModifiedAt,
                                Time.GetUtcNow(),
                                DocumentMetadata.Join(document.ContentMetadata, document.SourceMetadata)
                            )
                        );
                        Time.Advance(TimeSpan.FromTicks(3_330)); // some are published in the same millisecond
                        if (i == documents.Length / 2)
                        {
                            await Store.Search.MergeAsync(collection, Token);
                        }
                    }

                    var words = naive.Search(Query, int.MaxValue);
                    var vectors = WordVectors.Nearest(naive.Documents, WordVectors.Of(Query), int.MaxValue);
                    foreach (var index in Indexes)
                    {
                        foreach (var filter in filters.Append(SearchFilter.Document(published[0].Id, "nobody")))
                        {
                            var matching = published
                                .Where(document => NaiveFilter.Matches(filter, document))
                                .Select(document => document.Id)
                                .ToHashSet();
                            await AssertSameAsync(index, collection, filter, words, vectors, matching);
                        }
                    }
                },
                iter: 4,
                threads: 1,
                print: sample =>
                    string.Join('\n', sample.Item1.Select(document => document.ToString()))
                    + "\n"
                    + string.Join('\n', sample.Item2.Select(filter => filter.ToString()))
            );

    [Fact]
    public async Task There_are_as_many_results_as_asked_for_when_so_many_match()
    {
        const int Documents = 1_300; // more than are read at once
        (string Key, int Matching)[] cases =
        [
            ("one", 1),
            ("tenth", Documents / 10),
            ("half", Documents / 2),
            ("all", Documents),
            ("none", 0),
        ];
        // What matches is what ranks worst.
        await Corpus.PublishManyAsync(
            Enumerable
                .Range(0, Documents)
                .Select(i =>
                    Corpus.Publication($"{i:D4}", $"boiler {i:D4}" + (i < Documents / 2 ? " boiler boiler" : "")) with
                    {
                        Metadata = cases
                            .Where(mark => i >= Documents - mark.Matching)
                            .ToDictionary(mark => mark.Key, _ => "yes"),
                    }
                )
        );

        foreach (var (key, matching) in cases)
        {
            var filter = SearchFilter.Metadata(key, "yes");
            foreach (var index in Indexes)
            {
                foreach (var count in new[] { 1, 10, 100, 2_000 })
                {
                    await using var snapshot = await index.OpenSnapshotAsync(
                        CollectionKey.Default,
                        Corpus.Anna,
                        filter,
                        Token
                    );
                    var words = await snapshot.SearchTextAsync("boiler", count, new Bm25Options(), Token);
                    var nearest = await snapshot.SearchVectorsAsync(
                        Corpus.Model,
                        WordVectors.Of("boiler boiler boiler"),
                        count,
                        Token
                    );
                    Assert.Equal(Math.Min(count, matching), words.Count);
                    Assert.Equal(Math.Min(count, matching), nearest.Count);
                    var passages = await snapshot.ReadPassagesAsync(words, Token);
                    Assert.Equal(words.Count, passages.Count);
                }
            }
        }
    }

    [Fact]
    public async Task New_metadata_count_at_once_though_the_content_is_the_same()
    {
        var document = Corpus.Document("a.txt") with
        {
            Metadata = new Dictionary<string, string> { ["state"] = "draft", ["team"] = "blue" },
        };
        var publication = Corpus.Publication("a.txt", "boiler") with
        {
            Document = document,
            Metadata = new Dictionary<string, string> { ["state"] = "unknown", ["author"] = "Ada" },
        };
        var id = await Corpus.PublishAsync(publication);
        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("state", "draft")));

        // Seen again with other facts: those of the content are as they were, and show where the source says nothing any more.
        await SeeAsync(document with { Metadata = new Dictionary<string, string> { ["team"] = "red" } });
        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("state", "unknown")));
        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("team", "red")));
        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("author", "Ada")));
        Assert.Empty(await NamesAsync(SearchFilter.Metadata("state", "draft")));
        Assert.Empty(await NamesAsync(SearchFilter.Metadata("team", "blue")));
        var metadata = (await Store.Documents.FindAsync(Corpus.Anna, id, Token))!.Metadata;
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["state"] = "unknown",
                ["author"] = "Ada",
                ["team"] = "red",
            },
            metadata
        );

        // Renamed: the path counts at once.
        await SeeAsync(document with { Name = "folder/a.txt" });
        Assert.Equal(["folder/a.txt"], await NamesAsync(SearchFilter.Path("folder")));
        Assert.Equal(["folder/a.txt"], await NamesAsync(SearchFilter.Metadata("state", "draft")));

        // Published again with others.
        await Corpus.PublishAsync(publication with { Document = Corpus.Document("a.txt") });
        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("state", "unknown")));
        Assert.Empty(await NamesAsync(SearchFilter.Metadata("team", "blue", "red")));

        // Deleted and published anew without any.
        await Corpus.DeleteAsync("a.txt");
        await Corpus.PublishAsync("a.txt", "boiler");
        Assert.Empty(await NamesAsync(SearchFilter.Metadata("author", "Ada")));

        async Task SeeAsync(SourceDocument seen) =>
            await Store.Documents.MarkSeenAsync(
                CollectionKey.Default,
                Corpus.Source,
                [(id, seen, Corpus.SeenAt.AddDays(1))],
                Token
            );
    }

    [Fact]
    public async Task What_was_pushed_again_with_other_metadata_is_found_by_them()
    {
        var pushed = Corpus.Document("a.txt") with { Metadata = new Dictionary<string, string> { ["team"] = "blue" } };
        var content = Corpus.Publication("a.txt", "boiler");
        var id = await Store.Inbox.EnqueueAsync(CollectionKey.Default, pushed, content.ContentHash, Token);
        await Store.Documents.PublishAsync(
            content with
            {
                Source = InboxSource.SourceName,
                Document = pushed,
                DocumentId = id,
                Metadata = new Dictionary<string, string> { ["author"] = "Ada" },
            },
            Token
        );

        var listed = Assert.Single(await Store.Inbox.ReadInboxAsync(CollectionKey.Default, Token).ToListAsync(Token));
        Assert.Equal(pushed.Metadata, listed.Metadata); // not what was read in the content, which would stay for ever
        await Store.Inbox.EnqueueAsync(
            CollectionKey.Default,
            pushed with
            {
                Metadata = new Dictionary<string, string> { ["team"] = "red" },
            },
            content.ContentHash,
            Token
        );

        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("team", "red")));
        Assert.Equal(["a.txt"], await NamesAsync(SearchFilter.Metadata("author", "Ada")));
        Assert.Empty(await NamesAsync(SearchFilter.Metadata("team", "blue")));
    }

    [Fact]
    public async Task A_filter_opens_nothing_that_the_principal_may_not_read()
    {
        var here = new Dictionary<string, string> { ["k"] = "v" };
        foreach (var (name, principals) in new[] { ("open", Array.Empty<string>()), ("berts", ["user:bert"]) })
        {
            await Corpus.PublishAsync(
                Corpus.Publication(name, "boiler") with
                {
                    Document = Corpus.Document(name, principals),
                    Metadata = here,
                }
            );
        }

        await Corpus.PublishAsync(
            Corpus.Publication("elsewhere", "boiler") with
            {
                Collection = new CollectionKey("elsewhere", "default"),
                Metadata = here,
            }
        );

        SearchFilter[] filters =
        [
            SearchFilter.Metadata("k", "v"),
            SearchFilter.Document(Corpus.Id("open"), Corpus.Id("berts")),
            !SearchFilter.Metadata("k", "other"),
        ];
        foreach (var filter in filters)
        {
            Assert.Equal(["open"], await NamesAsync(filter));
            Assert.Equal(["berts", "open"], await NamesAsync(filter, Corpus.Bert));
            Assert.Empty(await NamesAsync(filter, new Principal("elsewhere", "anna")));
        }

        await using var snapshot = await Store.Search.OpenSnapshotAsync(
            CollectionKey.Default,
            Corpus.Anna,
            SearchFilter.Path("open"),
            Token
        );
        Assert.Empty(await snapshot.ReadPassagesAsync([new ScoredChunk(Corpus.Id("berts"), 0, 1)], Token));
    }

    [Fact]
    public async Task A_retrieval_finds_what_its_filter_lets_through()
    {
        await Corpus.PublishAsync("guides/a.md", "boiler boiler boiler");
        await Corpus.PublishAsync("notes/a.md", "a boiler among other words");

        var result = await new RetrievalPipeline(Store.Search).RetrieveAsync(
            new RetrievalRequest
            {
                Query = "boiler",
                Count = 1,
                Principal = Corpus.Anna,
                Filter = SearchFilter.Path("notes"),
            },
            Token
        );

        Assert.Equal("notes/a.md", Assert.Single(result).Name);
    }

    private async Task<string> PublishAsync(CollectionKey collection, int number, GeneratedDocument document)
    {
        var chunks = Corpus.Chunks(document.Texts);
        await Store.Documents.SaveEmbeddingsAsync(
            Corpus.Model,
            [.. chunks.Select(chunk => (chunk.ContentHash, (ReadOnlyMemory<float>)WordVectors.Of(chunk.Text)))],
            Token
        );
        var (id, _) = await Store.Documents.PublishAsync(
            Corpus.Publication($"{number}") with
            {
                Collection = collection,
                Source = document.Source,
                Document = Corpus.Document($"{number}") with
                {
                    Name = document.Name,
                    ModifiedAt = document.ModifiedAt,
                    Metadata = document.SourceMetadata,
                },
                MediaType = document.MediaType!,
                Metadata = document.ContentMetadata,
                Chunks = chunks,
            },
            Token
        );
        return id;
    }

    private static async Task AssertSameAsync(
        ISearchIndex index,
        CollectionKey collection,
        SearchFilter filter,
        IReadOnlyList<ScoredChunk> words,
        IReadOnlyList<ScoredChunk> vectors,
        HashSet<string> matching
    )
    {
        var ranked = words.Where(chunk => matching.Contains(chunk.DocumentId)).ToList();
        var nearest = vectors.Where(chunk => matching.Contains(chunk.DocumentId)).ToList();
        foreach (var count in new[] { 3, 1_000 })
        {
            await using var snapshot = await index.OpenSnapshotAsync(collection, Corpus.Anna, filter, Token);
            var foundWords = await snapshot.SearchTextAsync(Query, count, new Bm25Options(), Token);
            Assert.True(
                ranked.Take(count).SequenceEqual(foundWords),
                $"{filter}\nexpected: {string.Join(", ", ranked.Take(count))}\nfound:    {string.Join(", ", foundWords)}"
            );

            // Near-equal vectors may change places by rounding; which are found at all may not.
            var foundVectors = await snapshot.SearchVectorsAsync(Corpus.Model, WordVectors.Of(Query), count, Token);
            Assert.True(
                foundVectors.Count == Math.Min(count, nearest.Count)
                    && foundVectors.All(chunk => matching.Contains(chunk.DocumentId))
                    && foundVectors.Zip(nearest).All(pair => Math.Abs(pair.First.Score - pair.Second.Score) < 1e-5),
                $"{filter}\nexpected: {string.Join(", ", nearest.Take(count))}\nfound:    {string.Join(", ", foundVectors)}"
            );
            Assert.Equal(foundWords.Count, (await snapshot.ReadPassagesAsync(foundWords, Token)).Count);
        }
    }

    private async Task<IReadOnlyList<string>> NamesAsync(SearchFilter filter, Principal? principal = null)
    {
        var names = new List<IReadOnlyList<string>>();
        foreach (var index in Indexes)
        {
            await using var snapshot = await index.OpenSnapshotAsync(
                CollectionKey.Default,
                principal ?? Corpus.Anna,
                filter,
                Token
            );
            var found = await snapshot.SearchTextAsync("boiler", 10, new Bm25Options(), Token);
            var passages = await snapshot.ReadPassagesAsync(found, Token);
            names.Add([.. passages.Select(passage => passage.Name).Order(StringComparer.Ordinal)]);
        }

        Assert.All(names, other => Assert.Equal(names[0], other));
        return names[0];
    }
}
