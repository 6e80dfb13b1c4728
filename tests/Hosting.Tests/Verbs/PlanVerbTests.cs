using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Slipway.Agents.Testing;
using Slipway.Hosting.Verbs;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Tests.Verbs;

public sealed class PlanVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Documents => Path.Combine(_folder.Path, "docs");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_says_what_the_next_run_would_do_and_does_nothing()
    {
        using var host = Build();
        foreach (var name in new[] { "same", "changed", "moved", "gone" })
        {
            Write(name, $"the page {name}", hoursAgo: 2);
        }

        await IngestAsync(host);
        Write("changed", "another page", hoursAgo: 1);
        Write("new", "a new page", hoursAgo: 1);
        File.Move(Path.Combine(Documents, "moved.md"), Path.Combine(Documents, "elsewhere.md"));
        File.Delete(Path.Combine(Documents, "gone.md"));

        var first = await PrintAsync(host);
        var second = await PrintAsync(host);

        Assert.Equal(
            [
                "move moved.md -> elsewhere.md",
                "delete gone.md",
                "read changed.md",
                "add new.md",
                "local: 2 to read, 1 moved, 1 to delete, 1 unchanged, 0 resting",
                "inbox: 0 to read, 0 moved, 0 to delete, 0 unchanged, 0 resting",
            ],
            first
        );
        Assert.Equal(first, second);
        var report = await IngestAsync(host);
        Assert.Equal((1, 1, 1, 1), (report.Added, report.Changed, report.Moved, report.Deleted));
    }

    [Fact]
    public async Task It_says_what_embedding_takes_at_most_and_with_a_price_what_it_costs()
    {
        await using var server = await ScriptedModelServer.StartAsync();
        Directory.CreateDirectory(Documents);
        Write("one", new string('x', 4_000), hoursAgo: 1);
        Write("two", new string('x', 2_002), hoursAgo: 1);
        using var unpriced = Build(("Rag:Embedding:BaseUrl", server.Url));
        using var priced = Build(("Rag:Embedding:BaseUrl", server.Url), ("Rag:Ingestion:EmbeddingPrice", "0.13"));

        Assert.Contains("embed at most about 1,500 tokens", await PrintAsync(unpriced));
        Assert.Contains("embed at most about 1,500 tokens, for 0.0002", await PrintAsync(priced));
        Assert.Empty(server.Requests);
        await IngestAsync(priced);
        Assert.DoesNotContain(await PrintAsync(priced), line => line.Contains("token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_says_what_a_change_of_embedding_model_takes()
    {
        await using var server = await ScriptedModelServer.StartAsync();
        using (var words = Build())
        {
            Write("one", "The valve of pump 1 leaks.", hoursAgo: 2);
            Write("two", "The valve of pump 2 leaks.", hoursAgo: 2);
            await IngestAsync(words);
        }

        using var old = Build(("Rag:Embedding:BaseUrl", server.Url), ("Rag:Embedding:Model", "old"));
        using var changed = Build(
            ("Rag:Embedding:BaseUrl", server.Url),
            ("Rag:Embedding:Model", "new"),
            ("Rag:Ingestion:EmbeddingPrice", "100")
        );
        var first = (await PrintAsync(old))[^1];
        var tokens = (await IngestAsync(old)).EmbeddedTokens;
        Assert.Equal(
            $"embed 2 chunks by the new model 'old', about {tokens} tokens; until then words alone answer",
            first
        );
        Assert.Equal(
            string.Create(
                CultureInfo.InvariantCulture,
                $"embed 2 chunks by the new model 'new', about {tokens} tokens, for {tokens / 10_000m:N4}; until then 'old' answers"
            ),
            (await PrintAsync(changed))[^1]
        );

        using (var words = Build())
        {
            Write("three", "The valve of pump 3 leaks.", hoursAgo: 1);
            await IngestAsync(words);
        }

        Assert.StartsWith(
            "embed 1 chunks that have no vector by 'old', about ",
            (await PrintAsync(old))[^1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_host_that_ingests_nothing_is_told_so()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.AddSlipway().UseSqlite(Path.Combine(_folder.Path, "slipway.db")).AddRag();
        using var host = builder.Build();

        var error = await Assert.ThrowsAsync<SlipwayException>(() => PrintAsync(host));

        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains("AddIngestion", error.Fix, StringComparison.Ordinal);
    }

    private static async Task<string[]> PrintAsync(IHost host)
    {
        await using var output = new StringWriter { NewLine = "\n" };
        Assert.Equal(
            0,
            await new PlanVerb().RunAsync(
                host.Services,
                new VerbOptions(new Dictionary<string, string?>(), null),
                output,
                Token
            )
        );
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private async Task<IngestionReport> IngestAsync(IHost host)
    {
        using var source = new LocalFolderSource(Documents);
        return await host
            .Services.GetRequiredService<IngestionPipeline>()
            .RunAsync(source, CollectionKey.Default, cancellationToken: Token);
    }

    private IHost Build(params (string, string?)[] settings)
    {
        Directory.CreateDirectory(Documents);
        var builder = TestHost.Create(TestHost.Settings(settings));
        builder
            .AddSlipway()
            .UseSqlite(Path.Combine(_folder.Path, "slipway.db"))
            .AddRag()
            .AddFolder(Documents)
            .AddIngestion();
        return builder.Build();
    }

    private void Write(string name, string text, int hoursAgo)
    {
        var path = Path.Combine(Documents, name + ".md");
        File.WriteAllText(path, text);
        File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-hoursAgo));
    }
}
