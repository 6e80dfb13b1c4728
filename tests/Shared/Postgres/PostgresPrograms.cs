using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Slipway.Tests;

/// <summary>The programs of a PostgreSQL on this machine, and how they are run: never as root.</summary>
/// <param name="Root">The folder that they see as <c>/</c>.</param>
/// <param name="Folder">Where they are, as they see it.</param>
/// <param name="User">Who runs them, as <c>user:group</c>; null for whoever runs the tests.</param>
internal sealed record PostgresPrograms(string Root, string Folder, string? User)
{
    /// <summary>The programs on the path or where Debian puts them; null when there are none.</summary>
    public static PostgresPrograms? FindInstalled()
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

        return
            folders.Find(folder =>
                File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl"))
            )
                is { } found
            ? new PostgresPrograms("/", found, Environment.IsPrivilegedProcess ? "postgres:" : null)
            : null;
    }

    /// <summary>The programs of a server that runs on this machine, perhaps below another root; null when it runs elsewhere.</summary>
    public static async Task<PostgresPrograms?> FindOfAsync(
        string connectionString,
        CancellationToken cancellationToken
    )
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        await using var connection = new NpgsqlConnection(connectionString + ";Database=postgres;Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1), setting from pg_config where name = 'BINDIR'",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (process, folder) = ($"/proc/{reader.GetString(0)}", reader.GetString(1));
        // The same number may belong to another program when the server runs elsewhere, or in a container.
        if (
            !Directory.Exists(process)
            || !(await File.ReadAllTextAsync(process + "/cmdline", cancellationToken)).Contains(
                folder + "/postgres",
                StringComparison.Ordinal
            )
            || new FileInfo(process + "/root").LinkTarget is not { } root
            || (root != "/" && !Environment.IsPrivilegedProcess)
        )
        {
            return null;
        }

        var lines = await File.ReadAllLinesAsync(process + "/status", cancellationToken);
        return new(root, folder, Environment.IsPrivilegedProcess ? $"{Id("Uid:")}:{Id("Gid:")}" : null);

        string Id(string name) => lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split('\t')[1];
    }

    /// <summary>A new folder that the programs own, as the tests see it.</summary>
    public string MakeFolder()
    {
        var folder = Path.Combine(
            Outside(Path.GetTempPath()),
            "slipway-postgres-" + Guid.NewGuid().ToString("N")[..12]
        );
        Directory.CreateDirectory(folder);
        Own(folder);
        return folder;
    }

    /// <summary>Gives a folder to whoever runs the programs.</summary>
    public void Own(string folder)
    {
        if (User is not null)
        {
            Start("chown", [User, folder], keepsOutput: false);
        }
    }

    /// <summary>A path of the tests as the programs see it.</summary>
    public string Inside(string path) => Root == "/" ? path : path[Root.Length..];

    /// <summary>Runs a program to its end; a failure is an error that says what it wrote.</summary>
    public void Run(string program, params string[] arguments)
    {
        var path = Path.Combine(Folder, program);
        // A server that is started keeps its output open: the program's own end is what counts then.
        var starts = arguments.Contains("start");
        if (User is null)
        {
            Start(path, arguments, starts);
        }
        else
        {
            Start("chroot", ["--userspec=" + User, Root, path, .. arguments], starts);
        }
    }

    private string Outside(string path) => Root == "/" ? path : Root + path;

    private static void Start(string program, string[] arguments, bool keepsOutput)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var said = keepsOutput
            ? ""
            : process.StandardError.ReadToEndAsync().Result + process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {said}"
                )
            );
        }
    }
}
