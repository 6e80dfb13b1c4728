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
foreach (var folder in folders)
{
    var data = BeirDataset.Load(folder);
    await Report(data, "Slipway", await StoreRun.CreateAsync(data, options));
    if (options.Textbook)
    {
        await Report(data, "textbook", new TextbookRun(data, options));
    }
}

return 0;

static async Task Report(BeirDataset data, string name, IRun run)
{
    await using (run)
    {
        var scores = await Scores.MeasureAsync(data, run);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {data.Name} | {run.Chunks} | {scores.Queries} | {name} | {scores.Ndcg:F4} | {scores.Recall:F4} | {scores.ReciprocalRank:F4} | {scores.QueriesPerSecond:F0} | {run.Indexing.TotalSeconds:F2} s |"
            )
        );
    }
}
