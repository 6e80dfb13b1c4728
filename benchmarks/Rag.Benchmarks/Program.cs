using BenchmarkDotNet.Running;
using Slipway.Rag.Benchmarks;

if (args is ["ingest", var folder])
{
    return await IngestionReportCommand.RunAsync(folder);
}

BenchmarkSwitcher.FromAssembly(typeof(IngestionBenchmarks).Assembly).Run(args);
return 0;
