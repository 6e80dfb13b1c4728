using CsCheck;

namespace Slipway.Rag.Testing;

/// <summary>
/// Two stores with the same history give the same answers. The second merges at other moments than the first: what search finds must not
/// depend on it.
/// </summary>
/// <param name="open">Opens the one store.</param>
/// <param name="openOther">Opens the other: of another engine, or of the same.</param>
public abstract class EqualSearchSuite(OpenStore open, OpenStore openOther)
{
    /// <summary>Histories that are tried.</summary>
    protected virtual int Histories => 15;

    [Fact]
    public async Task The_same_history_gives_the_same_answers()
    {
        // A store that cannot be opened here says so by skipping, which a sample would report as a failure.
        await (await open(TimeProvider.System, TestContext.Current.CancellationToken)).DisposeAsync();
        await (await openOther(TimeProvider.System, TestContext.Current.CancellationToken)).DisposeAsync();
        await SearchHistory
            .Step.Array[1, 25]
            .SampleAsync(
                async steps =>
                {
                    await using var one = await open(TimeProvider.System, TestContext.Current.CancellationToken);
                    await using var two = await openOther(TimeProvider.System, TestContext.Current.CancellationToken);
                    var (first, second) = (new Corpus(one), new Corpus(two));
                    foreach (var step in steps)
                    {
                        if (!await SearchHistory.ApplyAsync(first, step))
                        {
                            await first.MergeAsync();
                        }

                        await SearchHistory.ApplyAsync(second, step);
                        if (step.Document == 0)
                        {
                            await second.MergeAsync();
                        }

                        await AssertEqualAsync(first, second);
                    }
                },
                iter: Histories,
                threads: 1
            );
    }

    private static async Task AssertEqualAsync(Corpus first, Corpus second)
    {
        foreach (var query in SearchHistory.Queries)
        {
            Assert.Equal(await first.SearchAsync(query, 50), await second.SearchAsync(query, 50));
            var vector = WordVectors.Of(query);
            var left = await first.NearestAsync(vector, 100);
            var right = await second.NearestAsync(vector, 100);
            Assert.Equal(left.Count, right.Count);
            var scores = right.ToDictionary(hit => (hit.DocumentId, hit.Ordinal), hit => hit.Score);
            Assert.All(left, hit => Assert.Equal(hit.Score, scores[(hit.DocumentId, hit.Ordinal)], 1e-5));
        }

        Assert.Equal(await DescribeAsync(first), await DescribeAsync(second));
    }

    private static async Task<IEnumerable<(string, string, int, int)>> DescribeAsync(Corpus corpus) =>
        (await corpus.ListAsync()).Select(document => (document.Id, document.Name, document.Version, document.Chunks));
}
