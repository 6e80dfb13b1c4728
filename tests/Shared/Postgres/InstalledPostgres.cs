using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Slipway.Tests;

/// <summary>A server of an installed PostgreSQL with pgvector, on a free port, with its data in a temporary folder; it ends with the process.</summary>
internal static class InstalledPostgres
{
    public static (string? ConnectionString, string? Problem) Start()
    {
        if (FindPrograms() is not { } programs)
        {
            return (null, "initdb and pg_ctl were not found");
        }

        var data = Directory.CreateTempSubdirectory("slipway-postgres-").FullName;
        var user = Environment.UserName == "root" ? "postgres" : null; // PostgreSQL refuses to run as root
        if (user is not null)
        {
            Run(null, "chown", user, data);
        }

        var port = FreePort();
        var made = Run(
            user,
            Path.Combine(programs, "initdb"),
            [
                "-D",
                Path.Combine(data, "db"),
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ]
        );
        if (made.ExitCode != 0)
        {
            return (null, made.Output);
        }

        var started = Run(
            user,
            Path.Combine(programs, "pg_ctl"),
            [
                "-D",
                Path.Combine(data, "db"),
                "-l",
                Path.Combine(data, "log"),
                "-w",
                "-o",
                $"-p {port} -c listen_addresses=127.0.0.1 -k {data} -c fsync=off -c max_connections=300",
                "start",
            ]
        );
        if (started.ExitCode != 0)
        {
            return (null, started.Output);
        }

        var connectionString = $"Host=127.0.0.1;Port={port};Username=postgres";
        if (!HasVector(connectionString))
        {
            Stop();
            return (null, $"the one in {programs} lacks pgvector");
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => Stop();
        return (connectionString, null);

        void Stop()
        {
            Run(user, Path.Combine(programs, "pg_ctl"), "-D", Path.Combine(data, "db"), "-m", "immediate", "stop");
            Directory.Delete(data, recursive: true);
        }
    }

    private static bool HasVector(string connectionString)
    {
        using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(
            "select 1 from pg_available_extensions where name = 'vector'",
            connection
        );
        return command.ExecuteScalar() is not null;
    }

    private static string? FindPrograms()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).ToList();
        if (Directory.Exists("/usr/lib/postgresql"))
        {
            folders.AddRange(
                Directory
                    .GetDirectories("/usr/lib/postgresql")
                    .OrderDescending()
                    .Select(folder => Path.Combine(folder, "bin"))
            );
        }

        return folders.Find(folder =>
            File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl"))
        );
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static (int ExitCode, string Output) Run(string? user, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(user is null ? program : "runuser")
        {
            RedirectStandardOutput = true,
            WorkingDirectory = "/",
        };
        foreach (var argument in user is null ? arguments : ["-u", user, "--", program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        // A server that pg_ctl starts keeps its output open: pg_ctl's own end is what counts.
        using var process = Process.Start(start)!;
        process.WaitForExit();
        var output = arguments.Contains("start") ? "" : process.StandardOutput.ReadToEnd();
        return (process.ExitCode, output);
    }
}
