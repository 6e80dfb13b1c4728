using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
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

        var pipeline = host.Services.GetRequiredService<IngestionPipeline>();
        using var source = new LocalFolderSource(Documents);
        await pipeline.RunAsync(source, CollectionKey.Default, cancellationToken: Token);
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
        var report = await pipeline.RunAsync(source, CollectionKey.Default, cancellationToken: Token);
        Assert.Equal((1, 1, 1, 1), (report.Added, report.Changed, report.Moved, report.Deleted));
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

    private IHost Build()
    {
        Directory.CreateDirectory(Documents);
        var builder = Host.CreateApplicationBuilder();
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
