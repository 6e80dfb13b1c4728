using System.Diagnostics;

namespace Slipway.Storage.Postgres.Tests.Copying;

/// <summary>The test host as a child process, run with a verb.</summary>
internal static class VerbProcess
{
    // Built beside this project, in the same configuration and framework.
    private static readonly string Program = Path.Combine(
        AppContext.BaseDirectory.Replace(
            $"{Path.DirectorySeparatorChar}Storage.Postgres.Tests{Path.DirectorySeparatorChar}",
            $"{Path.DirectorySeparatorChar}Verbs.TestHost{Path.DirectorySeparatorChar}",
            StringComparison.Ordinal
        ),
        "Verbs.TestHost.dll"
    );

    /// <summary>Starts it; its output goes nowhere.</summary>
    public static Process Start(params string[] arguments)
    {
        var process = new Process { StartInfo = StartInfo(arguments) };
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Runs it to its end: the exit code, and both outputs.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(StartInfo(arguments))!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await error);
    }

    private static ProcessStartInfo StartInfo(string[] arguments) =>
        new("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
}
