using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Slipway.Quickstart.Tests;

/// <summary>The built sample as a child process, as a user starts it.</summary>
internal sealed class QuickstartProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly TaskCompletionSource<string> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private QuickstartProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Receive(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Receive(_error, line.Data);
    }

    public string Output => Text(_output);

    public string Error => Text(_error);

    public int ExitCode => _process.ExitCode;

    private static string Assembly { get; } = FindAssembly();

    /// <summary>The sample's folder.</summary>
    public static string Home { get; } = Path.GetFullPath("../../..", Path.GetDirectoryName(Assembly)!);

    public static QuickstartProcess Start(
        IReadOnlyList<string> arguments,
        params (string Name, string Value)[] environment
    )
    {
        // Root may read every file: a child without that right sees what any other user sees.
        string[] command =
            Environment.IsPrivilegedProcess && OperatingSystem.IsLinux()
                ?
                [
                    "setpriv",
                    "--inh-caps=-dac_override,-dac_read_search",
                    "--bounding-set=-dac_override,-dac_read_search",
                    "dotnet",
                    Assembly,
                ]
                : ["dotnet", Assembly];
        var start = new ProcessStartInfo(command[0], [.. command[1..], .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // What the machine has set must not decide what these tests see.
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new QuickstartProcess(new Process { StartInfo = start });
        process._process.Start();
        process._process.BeginOutputReadLine();
        process._process.BeginErrorReadLine();
        return process;
    }

    public static async Task<QuickstartProcess> RunAsync(
        IReadOnlyList<string> arguments,
        params (string Name, string Value)[] environment
    )
    {
        var process = Start(arguments, environment);
        try
        {
            await process.WaitAsync();
            return process;
        }
        catch
        {
            await process.DisposeAsync(); // one that hangs must not outlive its test
            throw;
        }
    }

    /// <summary>The address, once the server has said where it listens.</summary>
    public async Task<Uri> ListeningAsync()
    {
        var ended = _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (await Task.WhenAny(_listening.Task, ended).WaitAsync(TimeSpan.FromSeconds(60)) == ended)
        {
            Assert.Fail($"The server ended with {ExitCode}.\n{Output}\n{Error}");
        }

        return new Uri(await _listening.Task);
    }

    public async Task WaitAsync() =>
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(120));

    /// <summary>SIGTERM, as a container's runtime sends it.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start(
            "kill",
            ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]
        );
        await kill.WaitForExitAsync();
        await WaitAsync();
    }

    /// <summary>SIGKILL: no handler runs, no buffer is written.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await WaitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static bool IsSetting(string name) =>
        name.StartsWith("LLM_", StringComparison.Ordinal)
        || name.StartsWith("EMBEDDING_", StringComparison.Ordinal)
        || name.StartsWith("RAG_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
        || name is "DATABASE_URL" or "ENVIRONMENT" or "DOTNET_ENVIRONMENT" or "RUN_MODE" or "CHECK_INTERVAL";

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private static string FindAssembly([CallerFilePath] string path = "")
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(path) : AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Library.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        var configuration = AppContext.BaseDirectory.Contains("Release", StringComparison.Ordinal)
            ? "Release"
            : "Debug";
        return Path.Combine(folder!, "samples", "Quickstart", "bin", configuration, "net10.0", "Quickstart.dll");
    }

    private void Receive(StringBuilder text, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (text)
        {
            text.AppendLine(line);
        }

        const string Mark = "http://";
        if (
            line.Contains("istening on", StringComparison.Ordinal)
            && line.IndexOf(Mark, StringComparison.Ordinal) is var at and >= 0
        )
        {
            _listening.TrySetResult(line[at..].Trim().TrimEnd('.'));
        }
    }
}
