using System.CommandLine;
using System.Security.Cryptography;
using System.Text;

namespace Quickstart;

/// <summary>What the command line asked for.</summary>
internal sealed record Arguments(string? Question, string Folder, string Database, string Urls)
{
    private const string DefaultUrls = "http://127.0.0.1:5080";

    /// <summary>The folder that holds this sample; below it, or beside the program once it is published, lies <c>knowledge</c>.</summary>
    public static string Home { get; } = FindHome();

    /// <summary>Reads the command line. Help and errors are printed here.</summary>
    /// <returns>The arguments, or the exit code when there is nothing to run.</returns>
    public static (Arguments? Arguments, int ExitCode) Parse(string[] args)
    {
        var ask = new Option<string?>("--ask") { Description = "Ask one question, print the cited answer and exit." };
        var folder = new Option<string?>("--folder")
        {
            Description = "The folder to answer from (default: knowledge, beside this sample).",
        };
        var data = new Option<string?>("--data")
        {
            Description = "The database file (default: one for each folder, below data/ beside this sample).",
        };
        var urls = new Option<string?>("--urls") { Description = $"Where to listen (default: {DefaultUrls})." };
        var root = new RootCommand("Chat with a folder of documents. No key, no server, no network needed.")
        {
            ask,
            folder,
            data,
            urls,
        };

        var result = root.Parse(args);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
            {
                Console.Error.WriteLine(error.Message);
            }

            Console.Error.WriteLine("Known options are --ask, --folder, --data, --urls and --help.");
            return (null, 2);
        }

        if (result.Action is { Terminating: true })
        {
            return (null, result.Invoke());
        }

        var knowledge = Path.GetFullPath(result.GetValue(folder) ?? Path.Combine(Home, "knowledge"));
        return (
            new Arguments(
                result.GetValue(ask),
                knowledge,
                Path.GetFullPath(result.GetValue(data) ?? DefaultDatabase(knowledge)),
                result.GetValue(urls) ?? Environment.GetEnvironmentVariable("ASPNETCORE_URLS") ?? DefaultUrls
            ),
            0
        );
    }

    /// <summary>A file for each folder, so that answers never mix what was asked about before.</summary>
    private static string DefaultDatabase(string folder)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..8];
        return Path.Combine(Home, "data", $"{Path.GetFileName(folder)}-{hash}.db");
    }

    private static string FindHome()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Quickstart.csproj")))
            {
                return folder;
            }
        }

        return AppContext.BaseDirectory;
    }
}
