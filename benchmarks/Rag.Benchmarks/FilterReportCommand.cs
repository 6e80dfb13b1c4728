using System.Globalization;
using System.Numerics.Tensors;
using Slipway.Rag.Retrieval.Filters;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// <c>-- filters [CHUNKS-IN-DOCUMENT]</c>: the ten best of 100,000 chunks under filters that let through more and less, as ratios to the same
/// search without one. The searches take turns, so that whatever else the machine does slows them alike.
/// </summary>
internal static class FilterReportCommand
{
    private const int Chunks = 100_000;
    private const int Dimensions = 384;
    private const int Rounds = 100;
    private const string Model = "random";

    private static readonly (string Name, int OneOf)[] Shares =
    [
        ("100 %", 1),
        ("10 %", 10),
        ("1 %", 100),
        (".1 %", 1_000),
        (".01 %", 10_000),
    ];

    public static async Task<int> RunAsync(int chunksInDocument)
    {
        var (text, random) = (new SyntheticText(1), new Random(5));
        using var file = new IndexFile();
        var documents = Chunks / chunksInDocument;
        await file.PublishVectorsAsync(
            Enumerable.Range(0, documents).Select(i => ($"{i:D6}", text.Document(chunksInDocument))),
            Model,
            () => RandomVector(random),
            id => Metadata(int.Parse(id, CultureInfo.InvariantCulture))
        );
        await file.Index.MergeAsync(CollectionKey.Default);

        var questions = new SyntheticText(2);
        var cases = Cases().ToList();
        var words = cases.ConvertAll(_ => new List<double>(Rounds));
        var vectors = cases.ConvertAll(_ => new List<double>(Rounds));
        for (var round = -10; round < Rounds; round++) // the first are to warm up
        {
            var (question, vector) = (string.Join(' ', questions.Question()), RandomVector(random));
            for (var i = 0; i < cases.Count; i++)
            {
                var filter = cases[i].Filter;
                var wordsTook = await TimeAsync(() => file.SearchAsync(question, 10, filter));
                var vectorsTook = await TimeAsync(() => file.NearestAsync(Model, vector, 10, filter));
                if (round >= 0)
                {
                    words[i].Add(wordsTook);
                    vectors[i].Add(vectorsTook);
                }
            }
        }

        Console.WriteLine($"| {documents:N0} documents, filter | BM25, ms | ratio | vectors, ms | ratio |");
        Console.WriteLine("|---|---|---|---|---|");
        for (var i = 0; i < cases.Count; i++)
        {
            var (word, vector) = (Median(words[i]), Median(vectors[i]));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {cases[i].Name} | {word:0.00} | {word / Median(words[0]):0.00} | {vector:0.00} | {vector / Median(vectors[0]):0.00} |"
                )
            );
        }

        return 0;
    }

    private static IEnumerable<(string Name, SearchFilter? Filter)> Cases()
    {
        yield return ("none", null);
        foreach (var (name, oneOf) in Shares)
        {
            yield return (name, SearchFilter.Metadata("one of " + oneOf, "yes"));
        }

        yield return ("100 %, everything but 1 %", !SearchFilter.Metadata("one of 100", "yes"));
        yield return (
            "1 %, as 10 % of 10 %",
            SearchFilter.Metadata("one of 10", "yes") & SearchFilter.MetadataNumber("digit", new() { LessThan = 1 })
        );
        yield return ("10 %, a range", SearchFilter.MetadataNumber("digit", new() { AtLeast = 3, LessThan = 4 }));
        yield return ("1 %, a range", SearchFilter.MetadataNumber("number", new() { LessThan = 100 }));
    }

    /// <summary>Scattered over the documents; the digit has nothing to do with the rest.</summary>
    private static Dictionary<string, string> Metadata(int document)
    {
        var place = (int)(document * 7_919L % 10_000);
        var metadata = Shares
            .Where(share => place % share.OneOf == 0)
            .ToDictionary(share => "one of " + share.OneOf, _ => "yes");
        metadata["number"] = place.ToString(CultureInfo.InvariantCulture);
        metadata["digit"] = (place / 10 % 10).ToString(CultureInfo.InvariantCulture);
        return metadata;
    }

    private static async Task<double> TimeAsync(Func<Task<int>> search)
    {
        var start = TimeProvider.System.GetTimestamp();
        await search();
        return TimeProvider.System.GetElapsedTime(start).TotalMilliseconds;
    }

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    private static float[] RandomVector(Random random)
    {
        var vector = new float[Dimensions];
        for (var i = 0; i < Dimensions; i++)
        {
            vector[i] = (float)(random.NextDouble() - 0.5);
        }

        TensorPrimitives.Divide(vector, TensorPrimitives.Norm<float>(vector), vector);
        return vector;
    }
}
