using BenchmarkDotNet.Running;
using Slipway.Rag.Benchmarks;

if (args is ["ingest", var folder])
{
    return await IngestionReportCommand.RunAsync(folder);
}

try
{
    if (args is ["rescan", .. var rescan])
    {
        return await RescanReportCommand.RunAsync(rescan);
    }

    if (args is ["throughput", .. var throughput])
    {
        return await ThroughputReportCommand.RunAsync(throughput);
    }

    if (args is ["scaling", .. var scaling])
    {
        return await ScalingReportCommand.RunAsync(scaling);
    }
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 2;
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
