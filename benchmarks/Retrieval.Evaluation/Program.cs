using System.Globalization;
using Slipway.Retrieval.Evaluation;

// Retrieval quality on collections in BEIR form: corpus.jsonl {_id, title, text}, queries.jsonl {_id, text}, qrels.tsv.
if (EvaluationOptions.Parse(args, out var problem) is not { } options)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(EvaluationOptions.Usage);
    return 2;
}

var folders = BeirDataset.FindIn(options.Data);
if (folders.Count == 0)
{
    Console.Error.WriteLine(
        $"There is no corpus.jsonl with queries.jsonl and qrels.tsv in '{options.Data}' or in a folder of it."
    );
    return 2;
}

Console.WriteLine(
    FormattableString.Invariant($"BM25 k1 {options.Bm25.K1} b {options.Bm25.B}, analyser {options.Analyzer.Name}")
);
Console.WriteLine();
Console.WriteLine(
    "| data set | chunks | queries | ranked by | nDCG@10 | Recall@100 | MRR@10 | queries/s | indexed in |"
);
Console.WriteLine("|---|---:|---:|---|---:|---:|---:|---:|---:|");
List<string> comparisons = [];
foreach (var folder in folders)
{
    var data = BeirDataset.Load(folder);
    List<StoreRun> runs = [];
    foreach (var kind in options.Stores)
    {
        var run = await StoreRun.CreateAsync(data, options, kind);
        runs.Add(run);
        await Report(data, kind == StoreKind.Sqlite ? "Slipway" : "Slipway, PostgreSQL", run);
    }

    if (runs is [var one, var other])
    {
        comparisons.Add($"{data.Name}: {await Comparison.MakeAsync(data, one, other)}");
    }

    foreach (var run in runs)
    {
        await run.DisposeAsync();
    }

    if (options.Textbook)
    {
        await using var textbook = new TextbookRun(data, options);
        await Report(data, "textbook", textbook);
    }
}

comparisons.ForEach(Console.WriteLine);
return 0;

static async Task Report(BeirDataset data, string name, IRun run)
{
    var scores = await Scores.MeasureAsync(data, run);
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"| {data.Name} | {run.Chunks} | {scores.Queries} | {name} | {scores.Ndcg:F4} | {scores.Recall:F4} | {scores.ReciprocalRank:F4} | {scores.QueriesPerSecond:F0} | {run.Indexing.TotalSeconds:F2} s |"
        )
    );
}
