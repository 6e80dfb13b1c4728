using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Retrieval.Evaluation;

/// <summary>BM25 by the book: everything in memory, nothing clever, on the same terms.</summary>
internal sealed class TextbookRun : IRun
{
    private readonly BeirDataset _data;
    private readonly EvaluationOptions _options;
    private readonly TextAnalyzer _analyzer;
    private readonly Dictionary<ulong, Dictionary<int, int>> _frequencies = []; // term → document → frequency
    private readonly int[] _lengths;
    private readonly double _averageLength;

    public TextbookRun(BeirDataset data, EvaluationOptions options)
    {
        (_data, _options, _analyzer) = (data, options, new TextAnalyzer(options.Analyzer));
        var started = TimeProvider.System.GetTimestamp();
        _lengths = new int[data.Corpus.Count];
        for (var document = 0; document < _lengths.Length; document++)
        {
            var terms = new TermHashes([]);
            _analyzer.Analyze(data.Corpus[document].Title, ref terms);
            _analyzer.Analyze(data.Corpus[document].Text, ref terms);
            _lengths[document] = terms.List.Count;
            foreach (var term in terms.List)
            {
                _frequencies.TryAdd(term, []);
                _frequencies[term][document] = _frequencies[term].GetValueOrDefault(document) + 1;
            }
        }

        _averageLength = _lengths.Average();
        Indexing = TimeProvider.System.GetElapsedTime(started);
    }

    public int Chunks => _lengths.Length;

    public TimeSpan Indexing { get; }

    public ValueTask<IReadOnlyList<string>> RankAsync(string query, int count)
    {
        var (k1, b) = (_options.Bm25.K1, _options.Bm25.B);
        var scores = new double[_lengths.Length];
        foreach (var term in _analyzer.AnalyzeQuery(query))
        {
            var having = _frequencies.GetValueOrDefault(term, []);
            var idf = Math.Log(1 + ((_lengths.Length - having.Count + 0.5) / (having.Count + 0.5)));
            foreach (var (document, frequency) in having)
            {
                var norm = k1 * (1 - b + (b * _lengths[document] / _averageLength));
                scores[document] += idf * frequency / (frequency + norm);
            }
        }

        return ValueTask.FromResult<IReadOnlyList<string>>([
            .. Enumerable
                .Range(0, scores.Length)
                .Where(document => scores[document] > 0)
                .OrderByDescending(document => scores[document])
                .Take(count)
                .Select(document => _data.Corpus[document].Id),
        ]);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
