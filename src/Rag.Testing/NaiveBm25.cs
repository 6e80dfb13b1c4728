using Slipway.Rag.Retrieval.Lexical;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Testing;

/// <summary>BM25 by the book over plain text: counts everything anew for every query.</summary>
internal sealed class NaiveBm25
{
    private readonly TextAnalyzer _analyzer = new(AnalyzerOptions.English);

    public SortedDictionary<string, string[]> Documents { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<ScoredChunk> Search(string query, int count, double k1 = 0.9, double b = 0.4)
    {
        var chunks = Documents
            .SelectMany(document => document.Value.Select((text, i) => (document.Key, Ordinal: i, Terms: Terms(text))))
            .ToArray();
        var average = chunks.Length == 0 ? 0 : (double)chunks.Sum(chunk => (long)chunk.Terms.Count) / chunks.Length;
        var asked = _analyzer
            .AnalyzeQuery(query)
            .CountBy(term => term)
            .OrderBy(term => term.Key)
            .Select(term => (term.Key, term.Value, Having: chunks.Count(chunk => chunk.Terms.Contains(term.Key))))
            .ToArray();
        var results = new List<ScoredChunk>();
        foreach (var (id, ordinal, terms) in chunks)
        {
            var score = 0.0;
            foreach (var (term, times, having) in asked)
            {
                var frequency = terms.Count(other => other == term);
                if (frequency > 0)
                {
                    var idf = Math.Log(1 + ((chunks.Length - having + 0.5) / (having + 0.5)));
                    score += times * idf * frequency / (frequency + (k1 * (1 - b)) + (k1 * b / average * terms.Count));
                }
            }

            if (score > 0)
            {
                results.Add(new ScoredChunk(id, ordinal, score));
            }
        }

        return
        [
            .. results
                .OrderByDescending(result => result.Score)
                .ThenBy(result => result.DocumentId, StringComparer.Ordinal)
                .ThenBy(result => result.Ordinal)
                .Take(count),
        ];
    }

    private List<ulong> Terms(string text)
    {
        var terms = new TermHashes([]);
        _analyzer.Analyze(text, ref terms);
        return terms.List;
    }
}
