using System.Globalization;
using System.Text.Json;

namespace Slipway.Retrieval.Evaluation;

/// <summary>A collection with queries and judgements.</summary>
internal sealed record BeirDataset(
    string Name,
    IReadOnlyList<(string Id, string Title, string Text)> Corpus,
    IReadOnlyList<(string Id, string Text)> Queries,
    IReadOnlyDictionary<string, Dictionary<string, int>> Judgements
)
{
    public static IReadOnlyList<string> FindIn(string folder) =>
        [.. Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Prepend(folder).Where(IsDataset)];

    public static BeirDataset Load(string folder)
    {
        var judgements = new Dictionary<string, Dictionary<string, int>>();
        foreach (var line in File.ReadLines(Path.Combine(folder, "qrels.tsv")).Skip(1))
        {
            var fields = line.Split('\t');
            var grade = int.Parse(fields[2], CultureInfo.InvariantCulture);
            if (grade > 0)
            {
                judgements.TryAdd(fields[0], []);
                judgements[fields[0]][fields[1]] = grade;
            }
        }

        return new BeirDataset(
            new DirectoryInfo(folder).Name,
            [.. Lines("corpus.jsonl").Select(line => (Field(line, "_id"), Field(line, "title"), Field(line, "text")))],
            [
                .. Lines("queries.jsonl")
                    .Select(line => (Id: Field(line, "_id"), Field(line, "text")))
                    .Where(query => judgements.ContainsKey(query.Id)),
            ],
            judgements
        );

        IEnumerable<JsonElement> Lines(string file) =>
            File.ReadLines(Path.Combine(folder, file))
                .Where(line => line.Length > 0)
                .Select(line => JsonDocument.Parse(line).RootElement);
    }

    private static bool IsDataset(string folder) =>
        Array.TrueForAll(
            ["corpus.jsonl", "queries.jsonl", "qrels.tsv"],
            file => File.Exists(Path.Combine(folder, file))
        );

    private static string Field(JsonElement line, string name) =>
        line.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
}
