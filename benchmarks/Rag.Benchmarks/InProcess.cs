using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Slipway.Rag.Benchmarks;

/// <summary>
/// Few iterations in this process: an index of 100,000 chunks is made once and not again in a process for each benchmark. Ratios to the
/// baseline of the same run are what counts.
/// </summary>
internal sealed class InProcess : ManualConfig
{
    public InProcess() => AddJob(Job.ShortRun.WithIterationCount(8).WithToolchain(Toolchain));

    private static InProcessEmitToolchain Toolchain { get; } = new(TimeSpan.FromMinutes(30), logOutput: false);

    /// <summary>For operations of half a second and more: each iteration is one of them.</summary>
    internal sealed class LongOperations : ManualConfig
    {
        public LongOperations() =>
            AddJob(
                Job.Default.WithStrategy(RunStrategy.Monitoring)
                    .WithWarmupCount(2)
                    .WithIterationCount(5)
                    .WithToolchain(Toolchain)
            );
    }
}
