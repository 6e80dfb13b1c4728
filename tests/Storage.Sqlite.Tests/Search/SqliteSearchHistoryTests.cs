using CsCheck;
using Slipway.Rag.Storage;
using Slipway.Rag.Testing;

namespace Slipway.Storage.Sqlite.Tests.Search;

[Trait("Tier", "fast")]
public sealed class SqliteSearchHistoryTests
{
    private static readonly string[] Vocabulary =
    [
        "pump",
        "valve",
        "boiler",
        "grinder",
        "pressure",
        "leak",
        "filter",
        "descale",
        "water",
        "steam",
        "group",
        "gasket",
    ];

    // A small vocabulary, so that terms meet, counts repeat and scores tie.
    private static readonly Gen<string> Text = Gen.Int[0, 11]
        .Array[0, 30]
        .Select(words => string.Join(' ', words.Select(word => Vocabulary[word])));

    private static readonly Gen<(int Kind, int Document, string[] Texts)> Step = Gen.Select(
        Gen.Int[0, 9],
        Gen.Int[0, 5],
        Text.Array[1, 4]
    );

    private static readonly string[] Queries =
    [
        "pump",
        "steam leak",
        "water water filter",
        "the gasket of a group and a boiler",
    ];

    [Fact]
    public async Task Scores_are_the_naive_ones_bit_for_bit_after_any_history_of_publishes_deletes_and_merges() =>
        await Step.Array[1, 25]
            .SampleAsync(
                async steps =>
                {
                    var cancellationToken = TestContext.Current.CancellationToken;
                    using var file = new SearchFile();
                    var naive = new NaiveBm25();
                    var index = new SqliteSearchIndex(file.Database);
                    var otherProcess = new SqliteSearchIndex(file.Open());
                    foreach (var (kind, document, texts) in steps)
                    {
                        var id = "d" + document;
                        switch (kind)
                        {
                            case <= 5:
                                await file.PublishAsync(id, texts);
                                naive.Documents[id] = texts;
                                break;
                            case <= 7:
                                await file.DeleteAsync(id);
                                naive.Documents.Remove(id);
                                break;
                            default:
                                await index.MergeAsync(CollectionKey.Default, cancellationToken);
                                break;
                        }

                        foreach (var query in Queries)
                        {
                            var expected = naive.Search(query, 7);
                            Assert.Equal(expected, await SearchFile.SearchAsync(index, query, 7));
                            Assert.Equal(expected, await SearchFile.SearchAsync(otherProcess, query, 7));

                            var vector = WordVectors.Of(query);
                            var nearest = WordVectors.Nearest(naive.Documents, vector, 7);
                            Assert.Equal(nearest, await SearchFile.NearestAsync(index, vector, 7));
                            Assert.Equal(nearest, await SearchFile.NearestAsync(otherProcess, vector, 7));
                        }
                    }
                },
                iter: 25,
                threads: 1
            );

    /// <summary>Two processes publish and merge at once while a third one searches; what is left is what one after the other gives.</summary>
    [Fact]
    public async Task Processes_that_publish_merge_and_search_at_once_agree_in_the_end()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var file = new SearchFile();
        await file.PublishAsync("first", "pump");
        var searcher = new SqliteSearchIndex(file.Open());
        using var done = new CancellationTokenSource();
        var searching = Task.Run(
            async () =>
            {
                var searches = 0;
                for (; searches == 0 || !done.IsCancellationRequested; searches++)
                {
                    Assert.NotEmpty(await SearchFile.SearchAsync(searcher, "pump"));
                    Assert.NotEmpty(await SearchFile.NearestAsync(searcher, WordVectors.Of("pump")));
                }

                return searches;
            },
            cancellationToken
        );

        await Task.WhenAll(
            new[] { "a", "b" }.Select(name =>
                Task.Run(
                    async () =>
                    {
                        var database = file.Open();
                        for (var i = 0; i < 60; i++)
                        {
                            // Both write the same documents half of the time.
                            var id = i % 2 == 0 ? $"{name}{i % 10}" : $"shared{i % 10}";
                            var chunk = SearchFile.Chunk(0, $"pump {Vocabulary[i % Vocabulary.Length]} leak");
                            await database.WriteAsync(
                                session => SearchFile.Publish(session, CollectionKey.Default, id, [], [chunk]),
                                cancellationToken
                            );
                            if (i % 8 == 0)
                            {
                                await new SqliteSearchIndex(database).MergeAsync(
                                    CollectionKey.Default,
                                    cancellationToken
                                );
                            }
                        }
                    },
                    cancellationToken
                )
            )
        );
        await done.CancelAsync();
        Assert.True(await searching > 0);

        var naive = new NaiveBm25();
        await file.Database.ReadAsync(
            session =>
            {
                using var chunks = session.Query("select document_id, text from chunks");
                while (chunks.Read())
                {
                    naive.Documents[chunks.GetString(0)] = [chunks.GetString(1)];
                }

                return true;
            },
            cancellationToken
        );
        foreach (var query in Queries)
        {
            var vector = WordVectors.Of(query);
            Assert.Equal(naive.Search(query, 9), await SearchFile.SearchAsync(searcher, query, 9));
            Assert.Equal(
                WordVectors.Nearest(naive.Documents, vector, 9),
                await SearchFile.NearestAsync(searcher, vector, 9)
            );
        }
    }
}
