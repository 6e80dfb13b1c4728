using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace Slipway.Quickstart.Tests;

/// <summary><c>--ask</c> as a user types it.</summary>
public sealed partial class AskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _data = new();

    private string Database => Path.Combine(_data.Path, "test.db");

    public void Dispose()
    {
        _folder.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task A_question_gets_an_answer_whose_sources_stand_where_it_says()
    {
        _folder.Write(
            "handbook/leave.md",
            "# Leave\n\n## Annual leave\n\nEverybody has 27 days of annual leave a year.\n"
        );
        _folder.Write("prices.csv", "part,price\nboiler gasket,4.20\npump,45.00\n");

        await using var process = await AskAsync("How many days of annual leave do I have?");

        Assert.Equal((0, ""), (process.ExitCode, Warnings(process)));
        Assert.Contains("27 days", process.Output, StringComparison.Ordinal);
        var source = SourceLine().Match(process.Output);
        Assert.True(source.Success, process.Output);
        Assert.Equal("handbook/leave.md", source.Groups["name"].Value);
        Assert.Contains("Annual leave", source.Groups["heading"].Value, StringComparison.Ordinal);
        var text = await File.ReadAllTextAsync(
            Path.Combine(_folder.Path, "handbook/leave.md"),
            TestContext.Current.CancellationToken
        );
        var start = int.Parse(source.Groups["start"].Value, CultureInfo.InvariantCulture);
        var end = int.Parse(source.Groups["end"].Value, CultureInfo.InvariantCulture);
        Assert.Contains("27 days", text[start..end], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_question_reads_only_what_is_new()
    {
        _folder.Write("a.md", "The boiler holds 1.8 litres.");
        await using var first = await AskAsync("How much does the boiler hold?");
        _folder.Write("b.md", "The tank holds 3.2 litres.");

        await using var second = await AskAsync("How much does the tank hold?");

        Assert.Contains("3.2 litres", second.Output, StringComparison.Ordinal);
        Assert.Equal(2L, Count("select count(*) from documents where state = 'published'"));
        Assert.Equal(2L, Count("select sum(version) from documents"));
    }

    [Fact]
    [Trait("Parity", "S76")]
    public async Task A_missing_folder_is_a_configuration_error_and_deletes_nothing()
    {
        _folder.Write("a.md", "The boiler holds 1.8 litres.");
        await using var before = await AskAsync("How much does the boiler hold?");
        var moved = _folder.Path + "-away";
        Directory.Move(_folder.Path, moved);

        await using var process = await AskAsync("How much does the boiler hold?");
        Directory.Move(moved, _folder.Path);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains(_folder.Path, process.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Error, StringComparison.Ordinal);
        Assert.Equal(1L, Count("select count(*) from chunks"));
    }

    [Fact]
    public async Task An_empty_folder_is_said_to_be_empty()
    {
        await using var process = await AskAsync("Anything?");

        Assert.Equal(0, process.ExitCode);
        Assert.Contains("no documents", process.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(_folder.Path, process.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_file_is_set_aside_with_its_reason_and_the_rest_answers()
    {
        _folder.Write("a.md", "The boiler holds 1.8 litres.");
        await using (var huge = File.Create(Path.Combine(_folder.Path, "huge.txt")))
        {
            huge.SetLength(1L << 30);
        }

        await using var process = await AskAsync("How much does the boiler hold?");

        Assert.Equal(0, process.ExitCode);
        Assert.Contains("1.8 litres", process.Output, StringComparison.Ordinal);
        Assert.Contains("huge.txt", process.Error, StringComparison.Ordinal);
        Assert.Contains("MaxBytes", process.Error, StringComparison.Ordinal);
        Assert.Equal("quarantined", Scalar("select state from documents where name = 'huge.txt'"));
    }

    [Fact]
    public async Task A_file_that_may_not_be_read_is_named_tried_again_and_its_old_version_answers()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Takes a process without the right to read every file; the way to start one here is Linux's.");
            return; // for the platform analyser, which does not know that a skip throws
        }

        _folder.Write("tank.md", "The tank holds 3.2 litres.");
        var boiler = _folder.Write("boiler.md", "The boiler holds 1.8 litres.");
        await using var before = await AskAsync("How much does the boiler hold?");
        _folder.Write("boiler.md", "The boiler holds 2.5 litres, since the new model.");
        File.SetUnixFileMode(boiler, UnixFileMode.None);

        await using var process = await AskAsync("How much does the boiler hold?");
        var state = Scalar("select state from documents where name = 'boiler.md' and next_action_at is not null");
        File.SetUnixFileMode(boiler, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.SetLastWriteTimeUtc(boiler, File.GetLastWriteTimeUtc(boiler).AddSeconds(1)); // no need to wait for the next try
        await using var after = await AskAsync("How much does the boiler hold?");

        Assert.Equal((0, "failed"), (process.ExitCode, state));
        Assert.Contains("1.8 litres", process.Output, StringComparison.Ordinal);
        Assert.Contains("boiler.md", process.Error, StringComparison.Ordinal);
        Assert.Contains("right to read it", process.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Error, StringComparison.Ordinal);
        Assert.Contains("2.5 litres", after.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_named_and_left_alone()
    {
        await File.WriteAllTextAsync(Database, new string('x', 5000), TestContext.Current.CancellationToken);

        await using var process = await AskAsync("Anything?");

        Assert.Equal(2, process.ExitCode);
        Assert.Contains(Database, process.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Error, StringComparison.Ordinal);
        Assert.Equal(5000, new FileInfo(Database).Length);
    }

    [Fact]
    public async Task An_unknown_option_names_the_known_ones()
    {
        await using var process = await QuickstartProcess.RunAsync(["--fodler", "x"]);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains("--fodler", process.Error, StringComparison.Ordinal);
        Assert.Contains("--folder", process.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_says_what_there_is()
    {
        await using var process = await QuickstartProcess.RunAsync(["--help"]);

        Assert.Equal(0, process.ExitCode);
        Assert.Contains("--ask", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_nothing_is_known_about_is_said_plainly()
    {
        _folder.Write("a.md", "The boiler holds 1.8 litres.");

        await using var process = await AskAsync("xylophone quartets?");

        Assert.Equal(0, process.ExitCode);
        Assert.DoesNotContain("1.8 litres", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_endpoint_that_cannot_be_reached_is_named_with_its_setting()
    {
        _folder.Write("a.md", "The boiler holds 1.8 litres.");

        await using var process = await QuickstartProcess.RunAsync(
            ["--ask", "How much?", "--folder", _folder.Path, "--data", Database],
            ("LLM_BASE_URL", "http://127.0.0.1:9/v1"),
            ("LLM_API_KEY", "secret-key"),
            ("LLM_CHOICE", "some-model")
        );

        Assert.Equal(1, process.ExitCode);
        Assert.Contains("127.0.0.1", process.Error, StringComparison.Ordinal);
        Assert.Contains("LLM_BASE_URL", process.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-key", process.Error + process.Output, StringComparison.Ordinal);
    }

    private Task<QuickstartProcess> AskAsync(string question) =>
        QuickstartProcess.RunAsync(["--ask", question, "--folder", _folder.Path, "--data", Database]);

    private static string Warnings(QuickstartProcess process) =>
        string.Join(
                '\n',
                process.Error.Split('\n').Where(line => !line.StartsWith("Reading documents", StringComparison.Ordinal))
            )
            .Trim();

    private long Count(string sql) => (long)Scalar(sql)!;

    private object? Scalar(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    [GeneratedRegex(
        @"^\[1\] (?<name>[^>\n]+?) > (?<heading>[^\n]+), characters (?<start>\d+)-(?<end>\d+)",
        RegexOptions.Multiline
    )]
    private static partial Regex SourceLine();
}
