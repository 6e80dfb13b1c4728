using CsCheck;

namespace Slipway.Rag.Testing;

/// <summary>Search after any history, against engines that count everything anew.</summary>
public abstract class SearchHistorySuite(OpenStore open)
{
    /// <summary>Histories that are tried. A store whose databases are dear may try fewer.</summary>
    protected virtual int Histories => 25;

    /// <summary>How far a cosine may be from the one of <c>TensorPrimitives</c>. 0 asks for the same bits and the same order of ties.</summary>
    protected virtual double CosineTolerance => 1e-5;

    [Fact]
    public async Task Scores_are_the_naive_ones_bit_for_bit_after_any_history_of_publishes_deletes_and_merges()
    {
        // A store that cannot be opened here says so by skipping, which a sample would report as a failure.
        await (await open(TimeProvider.System, TestContext.Current.CancellationToken)).DisposeAsync();
        await SearchHistory
            .Step.Array[1, 25]
            .SampleAsync(
                async steps =>
                {
                    await using var store = await open(TimeProvider.System, TestContext.Current.CancellationToken);
                    await using var otherProcess = await store.ReopenAsync(TestContext.Current.CancellationToken);
                    var corpus = new Corpus(store);
                    var naive = new NaiveBm25();
                    foreach (var step in steps)
                    {
                        if (!await SearchHistory.ApplyAsync(corpus, step))
                        {
                            await corpus.MergeAsync();
                        }
                        else if (step.Kind <= 5)
                        {
                            naive.Documents[Corpus.Id("d" + step.Document)] = step.Texts;
                        }
                        else
                        {
                            naive.Documents.Remove(Corpus.Id("d" + step.Document));
                        }

                        foreach (var query in SearchHistory.Queries)
                        {
                            var vector = WordVectors.Of(query);
                            var expected = naive.Search(query, 7);
                            foreach (var index in new[] { store.Search, otherProcess.Search })
                            {
                                Assert.Equal(expected, await Corpus.SearchAsync(index, query, 7));
                                WordVectors.AssertNearest(
                                    naive.Documents,
                                    vector,
                                    7,
                                    await Corpus.NearestAsync(index, vector, 7),
                                    CosineTolerance
                                );
                            }
                        }
                    }
                },
                iter: Histories,
                threads: 1
            );
    }
}
