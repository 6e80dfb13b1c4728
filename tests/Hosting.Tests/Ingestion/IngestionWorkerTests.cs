using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Slipway.Hosting.Ingestion;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Ingestion;

/// <summary>The worker over a real folder and a real database.</summary>
[Collection("standard error")]
public sealed class IngestionWorkerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Parity", "S65")]
    public async Task A_file_that_is_dropped_in_is_found_while_the_host_runs()
    {
        _folder.Write("docs/first.md", "The first one is about walruses.");
        using var host = Build(slipway => slipway.AddFolder("docs"));
        await host.StartAsync(Token);
        await FoundAsync(host, "walruses");

        _folder.Write("docs/second.md", "The second one is about narwhals.");
        await FoundAsync(host, "narwhals");

        await host.StopAsync(Token).WaitAsync(TimeSpan.FromSeconds(5), Token);
    }

    [Fact]
    public async Task What_is_pushed_is_read_while_the_host_runs()
    {
        using var host = Build();
        await host.StartAsync(Token);
        var inbox = host.Services.GetRequiredService<DocumentInbox>();
        using var content = new MemoryStream("Pushed text about belugas."u8.ToArray());
        var id = await inbox.AddAsync(content, new PushedDocument("pushed.txt"), cancellationToken: Token);
        Assert.Equal(DocumentState.Published, (await inbox.WaitAsync(Principal.Local, id, Token))?.State);
        await FoundAsync(host, "belugas");
        await host.StopAsync(Token);
    }

    [Fact]
    [Trait("Parity", "S65")]
    [Trait("Parity", "S76")]
    public async Task A_folder_that_is_missing_is_reported_and_looked_for_again()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var log = new ListLoggerProvider();
        using var host = Build(
            slipway => slipway.AddFolder("later"),
            configure: builder =>
            {
                builder.Logging.AddProvider(log);
                builder.Services.AddSingleton<TimeProvider>(time);
            }
        );
        await host.StartAsync(Token);
        await UntilAsync(() =>
            log.Entries.Any(entry => entry.Message.Contains("does not exist", StringComparison.Ordinal))
        );
        var warning = log.Entries.First(entry => entry.Message.Contains("does not exist", StringComparison.Ordinal));
        Assert.Equal((LogLevel.Warning, null), (warning.Level, warning.Exception));
        Assert.Contains("Create or mount the folder", warning.Message, StringComparison.Ordinal);

        _folder.Write("later/there.md", "Here at last: dugongs.");
        await FoundAsync(host, "dugongs", () => time.Advance(TimeSpan.FromSeconds(2)));
        await host.StopAsync(Token);
    }

    [Theory]
    [InlineData(0, 60, 2)]
    [InlineData(1, 60, 4)]
    [InlineData(4, 60, 32)]
    [InlineData(5, 60, 60)]
    [InlineData(1000, 60, 60)]
    [InlineData(0, 1, 1)]
    [Trait("Tier", "fast")]
    public void Waits_grow_up_to_the_interval(int failures, int interval, int expected) =>
        Assert.Equal(TimeSpan.FromSeconds(expected), IngestionWorker.Delay(failures, TimeSpan.FromSeconds(interval)));

    [Fact]
    [Trait("Parity", "S66")]
    [Trait("Parity", "S67")]
    public async Task A_single_run_does_one_pass_prints_what_it_did_and_ends()
    {
        _folder.Write("docs/first.md", "The first one is about walruses.");
        var (code, output, _) = await RunAsync(("RUN_MODE", "single"), ("RAG_WATCH_DIRECTORY", "docs"));
        Assert.Equal(0, code);
        var statistics = JsonElement.Parse(output);
        Assert.Equal(1, statistics.GetProperty("files_processed").GetInt32());
        Assert.Equal(0, statistics.GetProperty("errors").GetInt32());
        Assert.Equal("single", statistics.GetProperty("run_mode").GetString());
        Assert.Equal("local", statistics.GetProperty("pipeline_type").GetString());
        Assert.True(statistics.GetProperty("initialized").GetBoolean());
        Assert.True(
            statistics.GetProperty("total_duration").GetDouble() >= statistics.GetProperty("duration").GetDouble()
        );

        File.Delete(Path.Combine(_folder.Path, "docs", "first.md"));
        (_, output, _) = await RunAsync(("RUN_MODE", "single"), ("RAG_WATCH_DIRECTORY", "docs"));
        Assert.Equal(1, JsonElement.Parse(output).GetProperty("files_deleted").GetInt32());
    }

    [Fact]
    [Trait("Parity", "S66")]
    public async Task A_single_run_over_a_missing_folder_ends_with_2_and_loses_nothing()
    {
        _folder.Write("docs/first.md", "The first one is about walruses.");
        await RunAsync(("RUN_MODE", "single"), ("RAG_WATCH_DIRECTORY", "docs"));
        Directory.Delete(Path.Combine(_folder.Path, "docs"), recursive: true);

        var (code, output, error) = await RunAsync(("RUN_MODE", "single"), ("RAG_WATCH_DIRECTORY", "docs"));

        Assert.Equal(2, code);
        Assert.Contains("does not exist", error, StringComparison.Ordinal);
        Assert.Equal(0, JsonElement.Parse(output).GetProperty("files_deleted").GetInt32());
        Assert.Equal(1, JsonElement.Parse(output).GetProperty("errors").GetInt32());
        Assert.Contains(
            "does not exist",
            JsonElement.Parse(output).GetProperty("error_message").GetString(),
            StringComparison.Ordinal
        );
        using var host = Build();
        await FoundAsync(host, "walruses");
    }

    [Fact]
    [Trait("Parity", "S69")]
    public async Task A_document_that_fails_makes_a_single_run_end_with_1()
    {
        _folder.Write("docs/big.md", new string('x', 5000));
        var (code, output, _) = await RunAsync(
            ("RUN_MODE", "single"),
            ("RAG_WATCH_DIRECTORY", "docs"),
            ("Rag:Ingestion:MaxBytes", "1000")
        );
        Assert.Equal((1, 1), (code, JsonElement.Parse(output).GetProperty("errors").GetInt32()));
    }

    [Fact]
    public async Task The_configured_folder_takes_the_place_of_the_one_in_code()
    {
        _folder.Write("code/first.md", "In code: walruses.");
        _folder.Write("settings/second.md", "In settings: narwhals.");
        using var host = Build(slipway => slipway.AddFolder("code"), settings: [("Rag:Folder", "settings")]);
        Assert.Equal(
            ["local", "inbox"],
            host.Services.GetRequiredService<DocumentSources>().All.Select(source => source.Name)
        );
        await host.StartAsync(Token);
        await FoundAsync(host, "narwhals");
        Assert.Empty(await SearchAsync(host, "walruses"));
        await host.StopAsync(Token);
    }

    [Fact]
    [Trait("Parity", "S103")]
    public async Task Two_pipelines_on_one_database_keep_apart_what_they_read()
    {
        _folder.Write("one/first.md", "In one: walruses.");
        _folder.Write("two/second.md", "In two: narwhals.");
        await RunOnceAsync("one");
        await RunOnceAsync("two");
        File.Delete(Path.Combine(_folder.Path, "two/second.md"));
        Assert.Equal(0, await RunOnceAsync("one")); // what two has is none of its business
        Assert.Equal(1, await RunOnceAsync("two"));

        using var host = Build();
        await FoundAsync(host, "walruses");
        Assert.Empty(await SearchAsync(host, "narwhals"));

        async Task<int> RunOnceAsync(string name)
        {
            var (code, output, _) = await RunAsync(
                ("RUN_MODE", "single"),
                ("RAG_WATCH_DIRECTORY", name),
                ("RAG_PIPELINE_ID", name),
                ("Rag:Ingestion:AllowMassDelete", "true")
            );
            Assert.Equal(0, code);
            return JsonElement.Parse(output).GetProperty("files_deleted").GetInt32();
        }
    }

    [Theory]
    [InlineData(null, "code")]
    [InlineData("settings", "settings")]
    [Trait("Parity", "S103")]
    public void The_pipelines_id_names_the_folder_wherever_it_was_given(string? folder, string expected)
    {
        using var host = Build(
            slipway => slipway.AddFolder("code").AddFolder("other", "other"),
            settings: [("RAG_PIPELINE_ID", "manuals"), ("RAG_WATCH_DIRECTORY", folder)]
        );
        var sources = host.Services.GetRequiredService<DocumentSources>().All;
        Assert.Equal(["inbox", "manuals", "other"], sources.Select(source => source.Name).Order());
        Assert.Equal(
            Path.Combine(_folder.Path, expected),
            sources.OfType<LocalFolderSource>().Single(source => source.Name == "manuals").Path
        );
    }

    [Fact]
    public async Task Two_sources_of_one_name_stop_the_start()
    {
        var (code, _, error) = await RunAsync(() => Build(slipway => slipway.AddFolder("a").AddFolder("b")));
        Assert.Equal(2, code);
        Assert.Contains("Two sources are called 'local'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_stops_the_start()
    {
        _folder.Write("test.db", new string('x', 5000));
        var (code, _, error) = await RunAsync(() => Build());
        Assert.Equal(2, code);
        Assert.Contains("is not a SQLite database", error, StringComparison.Ordinal);
        Assert.Contains("fix: ", error, StringComparison.Ordinal);
    }

    private IHost Build(
        Action<ISlipwayBuilder>? add = null,
        Action<HostApplicationBuilder>? configure = null,
        params (string, string?)[] settings
    )
    {
        var builder = Create(TestHost.Settings(settings), _folder.Path);
        configure?.Invoke(builder);
        var slipway = builder.AddSlipway().UseSqlite(Path.Combine(_folder.Path, "test.db")).AddRag();
        add?.Invoke(slipway);
        slipway.AddIngestion();
        return builder.Build();
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params (string, string?)[] settings) =>
        RunAsync(() => Build(settings: settings));

    private static async Task<(int Code, string Output, string Error)> RunAsync(Func<IHost> build)
    {
        var (before, beforeError) = (Console.Out, Console.Error);
        using var output = new StringWriter();
        using var error = new StringWriter();
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            return (await SlipwayHost.RunAsync(build, Token), output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(before);
            Console.SetError(beforeError);
        }
    }

    private static async Task FoundAsync(IHost host, string word, Action? meanwhile = null)
    {
        using var limit = Limit();
        while ((await SearchAsync(host, word)).Count == 0)
        {
            limit.Token.ThrowIfCancellationRequested();
            meanwhile?.Invoke();
        }
    }

    private static async Task<IReadOnlyList<Passage>> SearchAsync(IHost host, string query) =>
        await host
            .Services.GetRequiredService<RetrievalPipeline>()
            .RetrieveAsync(new RetrievalRequest { Query = query, Principal = Principal.Local }, Token);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = Limit();
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Less than the interval of a minute: what is found must have been noticed.</summary>
    private static CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        return limit;
    }
}
