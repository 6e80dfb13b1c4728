using System.Globalization;

namespace Slipway.Retrieval.Evaluation;

/// <summary>Two engines over the same documents: the hundred best of every query, in order, with their scores.</summary>
internal sealed record Comparison(int Queries, int Hits, int OtherPlaces, double LargestDifference)
{
    public static async Task<Comparison> MakeAsync(BeirDataset data, StoreRun one, StoreRun other)
    {
        var (hits, places, largest) = (0, 0, 0.0);
        foreach (var (_, text) in data.Queries)
        {
            var left = await one.SearchAsync(text, 100);
            var right = await other.SearchAsync(text, 100);
            hits += left.Count;
            places += Math.Abs(left.Count - right.Count);
            foreach (var (first, second) in left.Zip(right))
            {
                var same = (first.DocumentId, first.Ordinal) == (second.DocumentId, second.Ordinal);
                places += same ? 0 : 1;
                largest = Math.Max(largest, Math.Abs(first.Score - second.Score));
            }
        }

        return new Comparison(data.Queries.Count, hits, places, largest);
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Hits} hits of {Queries} queries on both engines: {OtherPlaces} in another place, largest difference of scores {LargestDifference:G3}"
        );
}
