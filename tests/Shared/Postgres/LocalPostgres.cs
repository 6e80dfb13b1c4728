using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Slipway.Tests;

/// <summary>A server of this machine's PostgreSQL on a free port, with its data in a temporary folder. It may be stopped, killed and started.</summary>
internal sealed class LocalPostgres : IOwnPostgres, IDisposable
{
    // A killed server's processes and what they shared are gone soon, not at once.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly PostgresPrograms _programs;
    private readonly string _folder;
    private readonly int _port = FreePort();
    private bool _runs;
    private string? _disk;

    private LocalPostgres(PostgresPrograms programs)
    {
        (_programs, _folder) = (programs, programs.MakeFolder());
        ConnectionString = string.Create(
            CultureInfo.InvariantCulture,
            $"Host=127.0.0.1;Port={_port};Username=postgres"
        );
    }

    public string ConnectionString { get; }

    private string Data => Path.Combine(_folder, "db");

    /// <summary>Makes and starts a server.</summary>
    /// <param name="programs">Its programs.</param>
    /// <param name="settings">As in <c>postgresql.conf</c>: <c>name=value</c>. They hold for every later start.</param>
    /// <exception cref="InvalidOperationException">It cannot be made or lacks pgvector.</exception>
    public static LocalPostgres Start(PostgresPrograms programs, params string[] settings)
    {
        var server = new LocalPostgres(programs);
        try
        {
            programs.Run(
                "initdb",
                "-D",
                programs.Inside(server.Data),
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync"
            );
            string[] lines =
            [
                string.Create(CultureInfo.InvariantCulture, $"port = {server._port}"),
                "listen_addresses = '127.0.0.1'",
                $"unix_socket_directories = '{programs.Inside(server._folder)}'",
                "dynamic_shared_memory_type = sysv", // below another root there may be no /dev/shm
                .. settings,
            ];
            File.AppendAllLines(Path.Combine(server.Data, "postgresql.conf"), lines);
            server.Start([]);
            server.CheckVector();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public Task StartAsync(params string[] settings)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                Start(settings);
                return Task.CompletedTask;
            }
            catch (InvalidOperationException) when (TimeProvider.System.GetElapsedTime(started) < Patience)
            {
                // What the one before shared with its processes is still in use.
            }
        }
    }

    public Task StopAsync()
    {
        Stop("fast");
        return Task.CompletedTask;
    }

    public Task KillAsync()
    {
        if (!OperatingSystem.IsLinux())
        {
            Stop("immediate");
            return Task.CompletedTask;
        }

        _runs = false;
        var server = File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();
        var workers = Directory
            .EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _) && ParentOf(name!) == server)
            .ToList();
        List<Process> killed = [];
        foreach (var process in workers.Prepend(server))
        {
            try
            {
                killed.Add(Process.GetProcessById(int.Parse(process!, CultureInfo.InvariantCulture)));
                killed[^1].Kill();
            }
            catch (ArgumentException)
            {
                // It has just ended by itself.
            }
        }

        foreach (var process in killed)
        {
            process.WaitForExit(Patience);
            process.Dispose();
        }

        NpgsqlConnection.ClearAllPools();

        return Task.CompletedTask;
    }

    /// <summary>
    /// A disk of so many megabytes that the server may write to, in memory: what it holds, as the tests see it and as the server does. Null
    /// where nobody may mount one.
    /// </summary>
    public (string Outside, string Inside)? MakeDisk(int megabytes)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return null;
        }

        var folder = Path.Combine(_folder, "disk");
        Directory.CreateDirectory(folder);
        if (
            !Mount(
                "-t",
                "tmpfs",
                "-o",
                string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m"),
                "none",
                folder
            )
        )
        {
            return null;
        }

        _disk = folder;
        _programs.Own(folder);
        return (folder, _programs.Inside(folder));
    }

    /// <summary>Gives the disk another size.</summary>
    public void ResizeDisk(int megabytes) =>
        Assert.True(Mount("-o", string.Create(CultureInfo.InvariantCulture, $"remount,size={megabytes}m"), _disk!));

    public void Dispose()
    {
        if (_runs)
        {
            Stop("immediate");
        }

        if (_disk is not null)
        {
            Run("umount", _disk);
        }

        Directory.Delete(_folder, recursive: true);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Start(string[] settings)
    {
        _programs.Run(
            "pg_ctl",
            "-D",
            _programs.Inside(Data),
            "-l",
            Path.Combine(_programs.Inside(_folder), "log"),
            "-w",
            "-o",
            string.Join(' ', settings.Select(setting => "-c " + setting)),
            "start"
        );
        _runs = true;
    }

    private void Stop(string mode)
    {
        _runs = false;
        _programs.Run("pg_ctl", "-D", _programs.Inside(Data), "-m", mode, "-w", "stop");
        NpgsqlConnection.ClearAllPools(); // those of the tests, not of what is tested
    }

    private static bool Mount(params string[] arguments) => Run("mount", arguments);

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private void CheckVector()
    {
        using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(
            "select 1 from pg_available_extensions where name = 'vector'",
            connection
        );
        if (command.ExecuteScalar() is null)
        {
            throw new InvalidOperationException($"the one in {_programs.Folder} lacks pgvector");
        }
    }

    private static string? ParentOf(string process)
    {
        try
        {
            // "1234 (name with spaces) S 1 …": https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
        }
        catch (IOException)
        {
            return null; // it has just ended
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
