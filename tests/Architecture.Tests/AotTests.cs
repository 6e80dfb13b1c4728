namespace Slipway.Architecture.Tests;

/// <summary>The cores and the embedded store, published ahead of time: no warning, and the main job runs.</summary>
public sealed class AotTests
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    /// <summary>It takes the platform's native linker and half a minute of all cores: <c>.ci/run</c> runs it by itself.</summary>
    [Fact(Explicit = true)]
    [Trait("Tier", "publish")]
    public async Task The_main_job_runs_as_one_native_file()
    {
        var output = Directory.CreateTempSubdirectory("slipway-aot-publish-").FullName;
        try
        {
            var (exitCode, log) = await Command.RunAsync(
                "dotnet",
                "publish",
                Path.Combine(Repository.Root, "tests", "Aot.SmokeTest", "Aot.SmokeTest.csproj"),
                "--no-restore",
                "--configuration",
                Configuration,
                "--output",
                output,
                // What was built is taken as it is; the native part is made anew, so that its warnings are seen.
                $"-p:NativeIntermediateOutputPath={Path.Combine(output, "native")}/"
            );
            Assert.True(exitCode == 0, log);
            Assert.DoesNotContain("warning IL", log, StringComparison.Ordinal);

            var program = Path.Combine(output, OperatingSystem.IsWindows() ? "Aot.SmokeTest.exe" : "Aot.SmokeTest");
            var (result, answer) = await Command.RunAsync(program);
            Assert.True(result == 0, answer);
            Assert.Contains("27 days", answer, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }
}
