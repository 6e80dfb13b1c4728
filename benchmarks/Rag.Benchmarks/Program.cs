using BenchmarkDotNet.Running;
using Slipway.Rag.Benchmarks;

if (args is ["ingest", var folder])
{
    return await IngestionReportCommand.RunAsync(folder);
}

if (args is ["rescan", .. var files])
{
    return await RescanReportCommand.RunAsync(
        files is [var count] ? int.Parse(count, System.Globalization.CultureInfo.InvariantCulture) : 100_000
    );
}

if (args is ["filters", .. var rest])
{
    return await FilterReportCommand.RunAsync(
        rest is [var chunksInDocument]
            ? int.Parse(chunksInDocument, System.Globalization.CultureInfo.InvariantCulture)
            : 10
    );
}

if (args is ["postgres", .. var options])
{
    return await PostgresReportCommand.RunAsync(options);
}

if (args is ["soak", .. var soak])
{
    return await SoakCommand.RunAsync(soak);
}

BenchmarkSwitcher.FromAssembly(typeof(IngestionBenchmarks).Assembly).Run(args);
return 0;
