using System.Diagnostics;

namespace Slipway.Rag.Benchmarks;

/// <summary>This program once more, as a process of its own.</summary>
internal static class ChildProcess
{
    /// <param name="arguments">Command and options.</param>
    /// <param name="talks">Whether its input and output are ours; otherwise it prints where we print.</param>
    public static Process Start(IEnumerable<string> arguments, bool talks = false)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardInput = talks,
            RedirectStandardOutput = talks,
        };
        // "dotnet Rag.Benchmarks.dll" and not the program itself: then its file is the first argument.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start) ?? throw new InvalidOperationException("The process did not start.");
    }
}
