using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;
using Slipway.Storage.Postgres.Internal.Search;

namespace Slipway.Storage.Postgres.Tests.Search;

/// <summary>Merging beside publishing, reading and other merges.</summary>
public sealed class PostgresMergeTests : IAsyncLifetime
{
    private static readonly string[] Words = ["pump", "valve", "boiler", "grinder", "leak", "filter", "water", "steam"];
    private static readonly string[] Queries = ["pump", "steam leak", "water water filter", "always boiler"];

    private const int WritesEach = 15;

    private SearchDatabase _search = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _search = await SearchDatabase.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_search is not null)
        {
            await _search.DisposeAsync();
        }
    }

    [Fact]
    public async Task Eight_writers_two_mergers_and_a_reader_do_not_harm_one_another()
    {
        var written = 0;
        var writers = Task.WhenAll(Enumerable.Range(0, 8).Select(WriteAsync));
        var mergers = Task.WhenAll(MergeAsync(_search.Index), MergeAsync(new PostgresSearchIndex(_search.Open())));
        var reader = ReadAsync();

        await writers;
        await mergers;
        var moments = await reader;

        Assert.Equal(8 * WritesEach, written);
        Assert.True(moments > 0);
        await AssertNaiveAsync();
        await _search.Index.MergeAsync(CollectionKey.Default, Token);
        Assert.Equal(0L, await _search.ExecuteAsync("select count(*) from slipway.lexical_deltas"));
        await AssertNaiveAsync();

        async Task WriteAsync(int writer)
        {
            await Task.Yield();
            var random = new Random(writer);
            for (var i = 0; i < WritesEach; i++)
            {
                // Few documents, so that writers meet.
                var id = "d" + random.Next(12);
                if (random.Next(5) == 0)
                {
                    await _search.DeleteAsync(id);
                }
                else
                {
                    await _search.PublishAsync(id, Texts(random, random.Next(1, 5)));
                }

                Interlocked.Increment(ref written);
            }
        }

        async Task MergeAsync(PostgresSearchIndex index)
        {
            await Task.Yield();
            while (!writers.IsCompleted)
            {
                await index.MergeAsync(CollectionKey.Default, Token);
            }
        }

        async Task<int> ReadAsync()
        {
            var index = new PostgresSearchIndex(_search.Open());
            var count = 0;
            for (; !writers.IsCompleted; count++)
            {
                await AssertOneMomentAsync(index);
            }

            return count;
        }
    }

    [Fact]
    public async Task A_document_that_a_publisher_holds_is_left_for_the_next_merge()
    {
        await _search.PublishAsync("a", "pump");
        await _search.PublishAsync("b", "pump");
        var published = new TaskCompletionSource();
        var merged = new TaskCompletionSource();
        var publishing = _search
            .Database.WriteAsync(
                null,
                async session =>
                {
                    await SearchDatabase.PublishAsync(session, "a", "valve");
                    await session.FlushAsync();
                    published.TrySetResult();
                    await merged.Task;
                },
                Token
            )
            .AsTask();
        await published.Task;

        Assert.Equal(1, await _search.Index.MergeAsync(CollectionKey.Default, Token));
        Assert.Equal(["a", "b"], (await _search.SearchAsync("pump")).Select(hit => hit.DocumentId));
        merged.SetResult();
        await publishing;

        Assert.Equal(["b"], (await _search.SearchAsync("pump")).Select(hit => hit.DocumentId));
        Assert.Equal(1, await _search.Index.MergeAsync(CollectionKey.Default, Token));
        await AssertNaiveAsync();
    }

    [Fact]
    public async Task A_merge_that_another_one_precedes_returns_at_once()
    {
        await _search.PublishAsync("a", "pump");
        await _search.Database.WriteAsync(
            null,
            async session =>
            {
                Assert.Equal(1, await PostgresMerge.RunAsync(session, CollectionKey.Default, 10));
                Assert.Equal(0, await new PostgresSearchIndex(_search.Open()).MergeAsync(CollectionKey.Default, Token));
            },
            Token
        );
        Assert.Equal(0, await _search.Index.MergeAsync(CollectionKey.Default, Token));
        await AssertNaiveAsync();
    }

    [Fact]
    public async Task A_merge_that_dies_before_its_commit_has_changed_nothing()
    {
        await _search.PublishAsync("a", "pump valve", "pump");
        await _search.PublishAsync("b", "valve");
        await _search.Index.MergeAsync(CollectionKey.Default, Token);
        await _search.PublishAsync("a", "steam");
        await _search.DeleteAsync("b");
        var before = await DescribeAsync();

        await Assert.ThrowsAsync<FormatException>(async () =>
            await _search.Database.WriteAsync(
                null,
                async session =>
                {
                    Assert.Equal(2, await PostgresMerge.RunAsync(session, CollectionKey.Default, 10));
                    throw new FormatException("dies here");
                },
                Token
            )
        );

        Assert.Equal(before, await DescribeAsync());
        await AssertNaiveAsync();
        Assert.Equal(2, await _search.Index.MergeAsync(CollectionKey.Default, Token));
        await AssertNaiveAsync();
    }

    [Fact]
    public async Task A_delete_while_the_first_merge_folds_the_document_in_is_not_lost()
    {
        await _search.PublishAsync("a", "pump");
        await _search.PublishAsync("b", "pump");
        var deleting = Task.CompletedTask;
        await _search.Database.WriteAsync(
            null,
            async session =>
            {
                Assert.Equal(2, await PostgresMerge.RunAsync(session, CollectionKey.Default, 10));
                deleting = _search.DeleteAsync("a"); // waits for the merge's row
                await WaitForLockAsync();
            },
            Token
        );
        await deleting;

        Assert.Equal(["b"], (await _search.SearchAsync("pump")).Select(hit => hit.DocumentId));
        await _search.Index.MergeAsync(CollectionKey.Default, Token);
        Assert.Equal(["b"], (await _search.SearchAsync("pump")).Select(hit => hit.DocumentId));
        Assert.Equal(1L, await _search.ExecuteAsync("select count(*) from slipway.lexical_documents"));
    }

    [Fact]
    public async Task Lists_and_rows_of_what_is_gone_go_away()
    {
        await _search.PublishAsync("a", "pump valve");
        await _search.PublishAsync("b", "valve");
        await _search.Index.MergeAsync(CollectionKey.Default, Token);
        Assert.Equal(2L, await _search.ExecuteAsync("select count(*) from slipway.lexical_postings"));

        await _search.DeleteAsync("a");
        await _search.Index.MergeAsync(CollectionKey.Default, Token);

        Assert.Equal(1L, await _search.ExecuteAsync("select count(*) from slipway.lexical_postings"));
        Assert.Equal(["b"], await _search.QueryAsync("select document_id from slipway.lexical_documents"));
        await _search.DeleteAsync("b");
        await _search.Index.MergeAsync(CollectionKey.Default, Token);
        Assert.Equal(0L, await _search.ExecuteAsync("select count(*) from slipway.lexical_postings"));
        Assert.Empty(await _search.SearchAsync("valve"));
    }

    [Fact]
    public async Task More_documents_than_a_bucket_has_slots_fill_several()
    {
        var random = new Random(3);
        await _search.PublishAsync("d00", "pump");
        await _search.ExecuteAsync("update slipway.index_generations set bucket_size = 64");
        for (var i = 0; i < 20; i++)
        {
            await _search.PublishAsync($"d{i:D2}", Texts(random, 8));
        }

        Assert.Equal(20, await _search.Index.MergeAsync(CollectionKey.Default, Token));
        Assert.Equal(3L, await _search.ExecuteAsync("select count(*) from slipway.lexical_buckets"));
        await AssertNaiveAsync();
        foreach (var i in new[] { 5, 15, 19 })
        {
            await _search.PublishAsync($"d{i:D2}", Texts(random, 12));
        }

        await _search.Index.MergeAsync(CollectionKey.Default, Token);
        await AssertNaiveAsync();
    }

    private static string[] Texts(Random random, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ =>
                    "always "
                    + string.Join(
                        ' ',
                        Enumerable.Range(0, random.Next(8)).Select(_ => Words[random.Next(Words.Length)])
                    )
                ),
        ];

    /// <summary>Everything that one snapshot gives belongs together: the scores are those of the texts that it reads.</summary>
    private static async Task AssertOneMomentAsync(PostgresSearchIndex index)
    {
        await using var snapshot = await index.OpenSnapshotAsync(CollectionKey.Default, SearchDatabase.Anna, Token);
        var all = await snapshot.SearchTextAsync("always", 1000, new Bm25Options(), Token);
        var naive = new NaiveBm25();
        foreach (
            var document in (await snapshot.ReadPassagesAsync(all, Token)).GroupBy(passage =>
                passage.Reference.DocumentId
            )
        )
        {
            naive.Documents[document.Key] =
            [
                .. document.OrderBy(passage => passage.Ordinal).Select(passage => passage.Text),
            ];
        }

        Assert.Equal(all.Count, naive.Documents.Sum(document => document.Value.Length));
        foreach (var query in Queries)
        {
            Assert.Equal(naive.Search(query, 20), await snapshot.SearchTextAsync(query, 20, new Bm25Options(), Token));
        }

        var nearest = await snapshot.SearchVectorsAsync(SearchDatabase.Model, WordVectors.Of("pump"), 1000, Token);
        Assert.Equal(all.Count, nearest.Count);
    }

    private async Task AssertNaiveAsync()
    {
        var naive = await _search.ReadNaiveAsync();
        var other = new PostgresSearchIndex(_search.Open());
        foreach (var query in Queries)
        {
            var expected = naive.Search(query, 20);
            Assert.Equal(expected, await _search.SearchAsync(query, 20));
            Assert.Equal(expected, await SearchDatabase.SearchAsync(other, query, 20));
        }
    }

    private async Task WaitForLockAsync()
    {
        while (
            await _search.ExecuteAsync(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            )
                is not > 0L
        )
        {
            await Task.Yield();
        }
    }

    private async Task<string> DescribeAsync() =>
        (string)
            (
                await _search.ExecuteAsync(
                    """
                    select concat(
                        (select string_agg(p::text, ',' order by term, bucket) from slipway.lexical_postings p),
                        (select string_agg(b::text, ',' order by bucket) from slipway.lexical_buckets b),
                        (select string_agg(d::text, ',' order by document_id) from slipway.lexical_documents d),
                        (select string_agg(d::text, ',' order by id) from slipway.lexical_deltas d),
                        (select string_agg(g::text, ',') from slipway.index_generations g))
                    """
                )
            )!;
}
