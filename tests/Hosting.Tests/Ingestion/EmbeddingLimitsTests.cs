using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Slipway.Agents.Testing;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;
using static Slipway.Agents.Testing.ScriptedReply;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Ingestion;

/// <summary>The settings of a change of model and of a run's limits do what they say, at a real endpoint and a real database.</summary>
public sealed class EmbeddingLimitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_model_before_embeds_queries_until_the_new_ones_vectors_are_complete()
    {
        await using var server = await StartAsync(_ => Embed(4));
        Write(1);
        await RunAsync(server, ("Rag:Embedding:Model", "old"), ("Rag:Embedding:Dimensions", "4"));
        (string, string?)[] changed =
        [
            ("Rag:Embedding:Model", "new"),
            ("Rag:Embedding:PreviousModel", "old"),
            ("Rag:Embedding:PreviousDimensions", "4"),
        ];

        // It learns from the first answer which model's vectors there are.
        Assert.Equal(["new", "old 4"], await SearchAsync(server, changed));
        await RunAsync(server, changed);
        Assert.Equal(["new"], await SearchAsync(server, changed));
    }

    [Fact]
    public async Task A_run_ends_when_it_has_spent_what_it_may()
    {
        await using var server = await StartAsync(_ => Embed(4));
        Write(8);

        var report = await RunAsync(
            server,
            ("Rag:Ingestion:EmbeddingPrice", "1000000"), // a token costs 1
            ("Rag:Ingestion:MaxRunCost", "0.5"),
            ("Rag:Ingestion:MaxConcurrency", "1"),
            ("Rag:Ingestion:ClaimedAtOnce", "2")
        );

        Assert.Equal(("MaxRunCost", 2), (report.Stopped, report.Added));
        Assert.Equal(report.EmbeddedTokens, report.EmbeddingCost);
    }

    [Fact]
    public async Task A_run_ends_when_its_time_is_over()
    {
        await using var server = await StartAsync(_ =>
        {
            _time.Advance(TimeSpan.FromSeconds(20));
            return Embed(4);
        });
        Write(8);

        var report = await RunAsync(
            server,
            ("Rag:Ingestion:MaxRunTime", "30"),
            ("Rag:Ingestion:MaxConcurrency", "1"),
            ("Rag:Ingestion:ClaimedAtOnce", "2")
        );

        Assert.Equal(("MaxRunTime", 4), (report.Stopped, report.Added));
    }

    [Fact]
    public async Task So_many_requests_are_under_way_at_once()
    {
        const int Concurrency = 3;
        var (now, most) = (0, 0);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartAsync(_ =>
        {
            var mine = Interlocked.Increment(ref now);
            InterlockedMax(ref most, mine);
            if (mine == Concurrency)
            {
                reached.TrySetResult();
            }

            return Stall(reached.Task)
                .Then(
                    Embed(_ => // one text a request
                    {
                        Interlocked.Decrement(ref now);
                        return [1, 0, 0, 0];
                    })
                );
        });
        Write(4 * Concurrency);

        var report = await RunAsync(
            server,
            ("Rag:Ingestion:EmbeddingConcurrency", Concurrency.ToString(CultureInfo.InvariantCulture)),
            ("Rag:Ingestion:MaxConcurrency", "1"),
            ("Rag:Ingestion:ClaimedAtOnce", Concurrency.ToString(CultureInfo.InvariantCulture))
        );

        Assert.Equal((4 * Concurrency, Concurrency), (report.Added, most));
    }

    private static Task<ScriptedModelServer> StartAsync(Func<ScriptedRequest, ScriptedReply> embeddings) =>
        ScriptedModelServer.StartAsync(new ScriptedModelServerOptions { Embeddings = embeddings });

    private void Write(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _folder.Write($"docs/{i}.md", $"The valve of pump {i} leaks.");
        }
    }

    private async Task<IngestionReport> RunAsync(ScriptedModelServer server, params (string, string?)[] settings)
    {
        using var host = Build(server, settings);
        using var source = new LocalFolderSource(Path.Combine(_folder.Path, "docs"));
        return await host
            .Services.GetRequiredService<IngestionPipeline>()
            .RunAsync(source, CollectionKey.Default, null, Token);
    }

    /// <returns>The models that the query was embedded by, with the dimensions that were asked for.</returns>
    private async Task<IReadOnlyList<string>> SearchAsync(
        ScriptedModelServer server,
        params (string, string?)[] settings
    )
    {
        var asked = server.Requests.Count;
        using var host = Build(server, settings);
        var result = await host
            .Services.GetRequiredService<RetrievalPipeline>()
            .RetrieveAsync(new() { Query = "valve", Principal = Principal.Local }, Token);
        Assert.NotNull(Assert.Single(result).VectorScore);
        return
        [
            .. server
                .Requests.Skip(asked)
                .Select(request =>
                    $"{request.Model} {(request.Body.TryGetProperty("dimensions", out var size) ? size : "")}".Trim()
                ),
        ];
    }

    private IHost Build(ScriptedModelServer server, (string, string?)[] settings)
    {
        var builder = Create(
            // A retry would wait on a clock that stands still.
            TestHost.Settings([("Rag:Embedding:BaseUrl", server.Url), ("Rag:Embedding:MaxRetries", "0"), .. settings]),
            contentRoot: _folder.Path
        );
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.AddSlipway().UseSqlite(Path.Combine(_folder.Path, "slipway.db")).AddRag();
        return builder.Build();
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; )
        {
            seen = Interlocked.CompareExchange(ref most, value, seen) is var found && found == seen ? value : found;
        }
    }
}
