using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Settings;

/// <summary>The older system's flags and its config.json.</summary>
[Trait("Tier", "fast")]
[Collection("standard error")]
public sealed class OlderSettingsTests : IDisposable
{
    private const string Config = """
        {
          "supported_mime_types": ["text/plain", "text/csv"],
          "tabular_mime_types": ["text/csv", "xlsx"],
          "export_mime_types": { "application/vnd.google-apps.document": "text/plain" },
          "text_processing": { "default_chunk_size": 300, "default_chunk_overlap": 30, "other": true },
          "last_check_time": "2025-06-12T00:00:00.000Z",
          "watch_directory": "watched",
          "something_else": [1, 2]
        }
        """;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--pipeline", "google_drive", "--mode", "single", "--directory", "/data", "--interval", "7")]
    [InlineData("--pipeline=google_drive", "--mode=single", "--directory=/data", "--interval=7")]
    [Trait("Parity", "S62")]
    public void Flags_are_settings(params string[] arguments)
    {
        var options = Options(arguments);
        Assert.Equal(
            (PipelineType.GoogleDrive, RunMode.Single, "/data", TimeSpan.FromSeconds(7)),
            (options.Pipeline, options.RunMode, options.Folder, options.Interval)
        );
    }

    [Fact]
    [Trait("Parity", "S62")]
    public void The_environment_names_pipeline_and_id()
    {
        var options = Options([], ("RAG_PIPELINE_TYPE", "google_drive"), ("RAG_PIPELINE_ID", "manuals"));
        Assert.Equal((PipelineType.GoogleDrive, "manuals"), (options.Pipeline, options.FolderName));
        options = Options([]);
        Assert.Equal((PipelineType.Local, null), (options.Pipeline, options.FolderName));
    }

    [Fact]
    [Trait("Parity", "S62")]
    [Trait("Parity", "S71")]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        var file = _folder.Write("config.json", Config);
        Assert.Equal("watched", Options(["--config", file]).Folder);
        Assert.Equal("env", Options(["--config", file], ("RAG_WATCH_DIRECTORY", "env")).Folder);
        Assert.Equal("section", Options(["--config", file], ("Rag:Folder", "section")).Folder);
        Assert.Equal(
            "flag",
            Options(
                ["--config", file, "--directory", "flag"],
                ("RAG_WATCH_DIRECTORY", "env"),
                ("Rag:Folder", "section")
            ).Folder
        );
    }

    [Fact]
    public void Flags_are_none_in_the_environment()
    {
        var options = Options([], ("MODE", "single"), ("DIRECTORY", "/data"), ("INTERVAL", "7"));
        Assert.Equal(
            (RunMode.Continuous, null, RagOptions.DefaultInterval),
            (options.RunMode, options.Folder, options.Interval)
        );
    }

    [Fact]
    [Trait("Parity", "S106")]
    [Trait("Parity", "S93")]
    [Trait("Parity", "S98")]
    public void The_file_sets_what_it_names_and_the_rest_is_accepted()
    {
        using var host = Build(["--config", _folder.Write("config.json", Config)]);
        var options = host.Services.GetRequiredService<IOptions<RagOptions>>().Value;

        Assert.Equal("watched", options.Folder);
        Assert.Equal("window/1;300;30", host.Services.GetRequiredService<IChunker>().Fingerprint);
        Assert.Equal(["text/plain", "text/csv"], options.SupportedMediaTypes);
        Assert.Equal(["text/csv", "xlsx"], options.TabularMediaTypes);
        var readers = host.Services.GetRequiredService<ReaderSet>();
        Assert.True(readers.CanRead("text/plain"));
        Assert.True(readers.CanRead("text/csv"));
        Assert.False(readers.CanRead("text/markdown"));
    }

    [Theory]
    [InlineData("text/csv", "a.csv", 1)]
    [InlineData("text/plain", "a.csv", 0)]
    [InlineData("text/plain", "a.txt", 1)]
    [Trait("Parity", "S98")]
    public async Task What_is_read_as_a_table_is_a_setting(string tabular, string name, int tables)
    {
        using var host = Build([], ("Rag:TabularMediaTypes", tabular));
        var readers = host.Services.GetRequiredService<ReaderSet>();
        using var content = new MemoryStream("city,people\nOslo,700000\nBergen,290000\n"u8.ToArray());

        var document = await readers.ReadAsync(
            content,
            new ReadingContext { Name = name, MediaType = MediaTypes.FromName(name)! },
            Token
        );

        Assert.Equal(tables, document.Tables.Count);
    }

    [Fact]
    public void Other_lists_are_other_fingerprints()
    {
        var fingerprints = new[] { null, "text/", "text/plain" }.Select(types =>
        {
            using var host = Build([], ("Rag:SupportedMediaTypes", types));
            return host.Services.GetRequiredService<ReaderSet>().Fingerprint;
        });
        Assert.Equal(3, fingerprints.Distinct().Count());
        Assert.Contains(ReaderSet.Default.Fingerprint, fingerprints);
    }

    [Theory]
    [InlineData("{ \"watch_directory\": ", "is not JSON")]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{ \"supported_mime_types\": \"text\" }", "supported_mime_types that is not a list of texts")]
    [InlineData("{ \"text_processing\": 400 }", "text_processing that is not an object")]
    [InlineData(null, "cannot be read")]
    [Trait("Parity", "S106")]
    public async Task A_broken_file_ends_the_start_with_the_configuration_code(string? content, string problem)
    {
        var file = content is null ? Path.Combine(_folder.Path, "none") : _folder.Write("config.json", content);

        var (code, error) = await RunAsync("--config", file);

        Assert.Equal(2, code);
        Assert.Contains(file, error, StringComparison.Ordinal);
        Assert.Contains(problem, error, StringComparison.Ordinal);
        Assert.Contains("fix: ", error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "S64")]
    public async Task Wrong_values_end_the_start_with_the_name_that_was_used_and_what_is_accepted()
    {
        var file = _folder.Write("config.json", """{ "text_processing": { "default_chunk_size": "big" } }""");

        var (code, error) = await RunAsync("--config", file, "--mode", "twice", "--pipeline", "ftp", "--interval", "0");

        Assert.Equal(2, code);
        foreach (
            var expected in new[]
            {
                "--mode (Rag:RunMode) is 'twice'; expected is one of continuous, single.",
                "--pipeline (Rag:Pipeline) is 'ftp'; expected is one of local, google_drive.",
                "--interval (Rag:Interval) is 0 seconds; set 1 to 86400.",
                $"text_processing.default_chunk_size of '{file}' (Rag:Chunking:Size) is 'big'; expected is a whole number.",
            }
        )
        {
            Assert.Contains(expected, error, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Parity", "S70")]
    public async Task A_pipeline_without_its_source_is_an_error_that_says_which_one()
    {
        var (code, error) = await RunAsync("--pipeline", "google_drive", "--mode", "single");
        Assert.Equal(2, code);
        Assert.Contains("no source of that name", error, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Error)> RunAsync(params string[] arguments)
    {
        var (before, error) = (Console.Error, new StringWriter());
        Console.SetError(error);
        try
        {
            return (await SlipwayHost.RunAsync(arguments, rest => Build(rest), Token), error.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }

    private RagOptions Options(string[] arguments, params (string, string?)[] settings)
    {
        using var host = Build(arguments, settings);
        return host.Services.GetRequiredService<IOptions<RagOptions>>().Value;
    }

    /// <summary>Settings as an environment has them, and a command line over them.</summary>
    private IHost Build(string[] arguments, params (string, string?)[] settings)
    {
        var builder = Create(TestHost.Settings(settings), _folder.Path);
        builder.Configuration.AddCommandLine(arguments);
        builder.AddSlipway().UseSqlite(Path.Combine(_folder.Path, "slipway.db")).AddRag().AddIngestion();
        return builder.Build();
    }
}
