using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace Slipway.Tests;

/// <summary>A real PgBouncer in transaction mode before the test's server, on a port of its own.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private PgBouncer(TemporaryFolder folder, Process process, string connectionString) =>
        (_folder, _process, ConnectionString) = (folder, process, connectionString);

    /// <summary>The database through the pooler, with what its version needs.</summary>
    public string ConnectionString { get; }

    /// <summary>Starts one; skips the test where PgBouncer is not installed, which fails on CI.</summary>
    /// <param name="connectionString">The database behind it.</param>
    /// <param name="serverConnections">How many connections all clients share.</param>
    public static async Task<PgBouncer> StartAsync(string connectionString, int serverConnections = 4)
    {
        var program = new[] { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer" }.FirstOrDefault(
            File.Exists
        );
        if (program is null)
        {
            const string Reason = "PgBouncer is not installed.";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", Reason);
            Assert.Fail(Reason);
        }

        var target = new NpgsqlConnectionStringBuilder(connectionString);
        var port = FreePort();
        var folder = new TemporaryFolder();
        var settings = Path.Combine(folder.Path, "pgbouncer.ini");
        await File.WriteAllTextAsync(
            settings,
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                [databases]
                {target.Database} = host={target.Host} port={target.Port} user={target.Username} password={target.Password}
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {port}
                unix_socket_dir =
                auth_type = any
                pool_mode = transaction
                default_pool_size = {serverConnections}
                ignore_startup_parameters = extra_float_digits
                """
            ),
            TestContext.Current.CancellationToken
        );
        var start = new ProcessStartInfo(program) { RedirectStandardError = true };
        if (!OperatingSystem.IsWindows() && Environment.IsPrivilegedProcess)
        {
            // It refuses to run as root; whom it becomes must be able to read the settings.
            start.ArgumentList.Add("--user=nobody");
            File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        }

        start.ArgumentList.Add(settings);
        var pooler = new PgBouncer(
            folder,
            Process.Start(start)!,
            new NpgsqlConnectionStringBuilder(connectionString)
            {
                Host = "127.0.0.1",
                Port = port,
                NoResetOnClose = true,
                MaxAutoPrepare = 0,
            }.ConnectionString
        );
        try
        {
            await WaitUntilUpAsync(pooler._process);
            return pooler;
        }
        catch
        {
            await pooler.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
        _folder.Dispose();
    }

    /// <summary>It says so when it listens. What it says later is read as well, so that it never waits for a reader.</summary>
    private static async Task WaitUntilUpAsync(Process process)
    {
        var said = new StringBuilder();
        var isUp = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, received) =>
        {
            said.AppendLine(received.Data);
            if (received.Data is null || received.Data.Contains("process up", StringComparison.Ordinal))
            {
                isUp.TrySetResult(received.Data is not null);
            }
        };
        process.BeginErrorReadLine();
        Assert.True(
            await isUp.Task.WaitAsync(Bound, TestContext.Current.CancellationToken),
            $"PgBouncer did not start: {said}"
        );
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
