using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary><see cref="IDocumentStore.PublishBatchAsync"/>: each document as if it were published alone, all at one moment.</summary>
public abstract class PublishingBatchSuite(OpenStore open) : StoreSuite(open)
{
    [Fact]
    public async Task A_batch_gives_what_publishing_one_by_one_gives()
    {
        var publications = Batch(250);
        await Store.Documents.PublishBatchAsync([.. publications.Take(7)], Token);
        var results = await Store.Documents.PublishBatchAsync([.. publications.Skip(7)], Token);
        await using var other = await Store.ReopenAsync(Token);

        Assert.Equal(publications.Skip(7).Select(p => ((string, int)?)(Corpus.Id(p.Document.Name), 1)), results);
        var naive = Naive(publications);
        foreach (var query in SearchHistory.Queries)
        {
            Assert.Equal(naive.Search(query, 20), await Corpus.SearchAsync(query, 20));
            Assert.Equal(naive.Search(query, 20), await Corpus.SearchAsync(other.Search, query, 20));
        }

        Assert.Equal(250, await Store.CountAsync(StoredKind.Documents, Token));
        Assert.Equal(500, await Store.CountAsync(StoredKind.Chunks, Token));
        Assert.Equal("pump 3 boiler 3", await Corpus.TextAsync(Corpus.Id("d3")));
        Assert.Empty(await Store.Documents.PublishBatchAsync([], Token));
    }

    [Fact]
    public async Task New_versions_in_a_batch_replace_the_old_ones_merged_or_not()
    {
        var publications = Batch(240);
        await Store.Documents.PublishBatchAsync([.. publications.Take(160)], Token);
        await Corpus.MergeAsync();
        await Store.Documents.PublishBatchAsync([.. publications.Skip(160).Take(60)], Token);
        foreach (var publication in publications.Skip(220))
        {
            await Store.Documents.PublishAsync(publication, Token);
        }

        var second = publications
            .Select(
                (publication, i) =>
                    publication with
                    {
                        BaseVersion = 1,
                        Chunks = Corpus.Chunks([.. new[] { $"valve {i % 5}", "steam", $"leak {i}" }.Take(1 + (i % 3))]),
                    }
            )
            .ToArray();
        var results = await Store.Documents.PublishBatchAsync(second, Token);

        Assert.All(results, result => Assert.Equal(2, result!.Value.Version));
        await AssertNaiveAsync(second);
        await Corpus.MergeAsync();
        await AssertNaiveAsync(second);
    }

    [Fact]
    public async Task What_is_in_conflict_is_left_out_and_leaves_nothing()
    {
        var publications = Batch(170);
        await Store.Documents.PublishAsync(publications[3], Token);
        publications[5] = publications[5] with { BaseVersion = 4 }; // of a document that nobody knows
        publications[7] = publications[7] with { DocumentId = "gone" };

        var results = await Store.Documents.PublishBatchAsync([.. publications, publications[9]], Token);

        Assert.Equal([3, 5, 7], Enumerable.Range(0, 170).Where(i => results[i] is null && i != 9));
        Assert.Single([results[9], results[170]], result => result is not null); // the same twice: once
        Assert.Equal(168, await Store.CountAsync(StoredKind.Documents, Token)); // with the one before
        await AssertNaiveAsync([.. publications.Where((_, i) => i is not (5 or 7))]);
        Assert.All(
            await Store.Documents.PublishBatchAsync([publications[5], publications[3]], Token),
            result => Assert.Null(result)
        );
    }

    [Fact]
    public async Task Batches_of_the_same_documents_at_the_same_time_publish_each_of_them_once()
    {
        await using var other = await Store.ReopenAsync(Token);
        var publications = Batch(160);
        var merging = Task.Run(async () => await Store.Search.MergeAsync(CollectionKey.Default, Token), Token);
        var results = await Task.WhenAll(
            PublishAsync(Store, publications),
            PublishAsync(other, [.. publications.AsEnumerable().Reverse()]),
            PublishAsync(other, [.. publications.Take(50)])
        );
        await merging;

        Assert.Equal(
            publications.Select(publication => Corpus.Id(publication.Document.Name)).Order(StringComparer.Ordinal),
            results.SelectMany(ids => ids).Order(StringComparer.Ordinal)
        );
        await AssertNaiveAsync(publications);

        static Task<List<string>> PublishAsync(StoreFixture store, DocumentPublication[] batch) =>
            Task.Run(
                async () =>
                    (await store.Documents.PublishBatchAsync(batch, Token))
                        .Where(result => result is not null)
                        .Select(result => result!.Value.DocumentId)
                        .ToList(),
                Token
            );
    }

    [Fact]
    public async Task A_batch_that_was_cancelled_leaves_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.Documents.PublishBatchAsync(Batch(160), cancelled.Token)
        );

        Assert.Equal(0, await Store.CountAsync(StoredKind.Documents, Token));
        Assert.Empty(await Corpus.SearchAsync("pump"));
    }

    [Fact]
    public async Task A_batch_is_of_one_collection()
    {
        var other = Batch(1)[0] with { Collection = new CollectionKey("default", "other") };

        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Store.Documents.PublishBatchAsync([.. Batch(1), other], Token)
        );
    }

    private async Task AssertNaiveAsync(IEnumerable<DocumentPublication> publications)
    {
        var naive = Naive(publications);
        foreach (var query in SearchHistory.Queries)
        {
            Assert.Equal(naive.Search(query, 20), await Corpus.SearchAsync(query, 20));
        }
    }

    private static DocumentPublication[] Batch(int count) =>
        [.. Enumerable.Range(0, count).Select(i => Corpus.Publication($"d{i}", $"pump {i} ", $"boiler {i % 7}"))];

    private static NaiveBm25 Naive(IEnumerable<DocumentPublication> publications)
    {
        var naive = new NaiveBm25();
        foreach (var publication in publications)
        {
            naive.Documents[Corpus.Id(publication.Document.Name)] = [.. publication.Chunks.Select(chunk => chunk.Text)];
        }

        return naive;
    }
}
