using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Tests.Verbs;

public sealed partial class VerbTests
{
    [Fact]
    public async Task Retry_makes_one_document_or_all_due()
    {
        await FailAsync("local", "folder/a.md", "b.md", "c.md");

        Assert.Equal((0, "folder/a.md is due now\n", ""), await RunAsync("retry", "folder/a.md"));
        Assert.Equal(DocumentState.Pending, (await FindAsync("folder/a.md")).State);
        Assert.Equal(DocumentState.Quarantined, (await FindAsync("b.md")).State);

        Assert.Equal((0, "2 documents are due now\n", ""), await RunAsync("retry", "--all"));
        Assert.Equal(DocumentState.Pending, (await FindAsync("b.md")).State);
    }

    [Fact]
    public async Task Explain_prints_what_is_known_of_a_document()
    {
        await FailAsync("local", "a.md");
        var id = (await FindAsync("a.md")).Id;

        var (code, output, error) = await RunAsync("explain", "--Color", "blue", id);

        Assert.Equal((0, ""), (code, error));
        foreach (
            var line in new[]
            {
                $"document: {id}",
                "source: local",
                "state: quarantined",
                "owner: nobody",
                "attempts since the last success: 1",
                "last error: permanent: it is broken",
                "next action: never",
                "attempt: 2026-06-01 08:00:00Z, 0.2 s, quarantined, permanent: it is broken",
            }
        )
        {
            Assert.Contains(line + "\n", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Erase_removes_a_document_and_says_how_much_there_was()
    {
        await FailAsync("local", "a.md", "b.md");

        var (code, output, error) = await RunAsync("erase", "--yes", "a.md");

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("documents: 1\n", output, StringComparison.Ordinal);
        Assert.Contains("attempts: 1\n", output, StringComparison.Ordinal);
        Assert.EndsWith(
            "the source 'local' brings it back while it still lists it\n",
            output,
            StringComparison.Ordinal
        );
        Assert.Equal(1, (await RunAsync("explain", "a.md")).Code);
        Assert.Equal(0, (await RunAsync("explain", "b.md")).Code);
    }

    [Theory]
    [InlineData("retry", "no.md")]
    [InlineData("explain", "no.md")]
    [InlineData("erase", "no.md", "--yes")]
    public async Task A_document_that_is_not_there_ends_with_1(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);

        Assert.Equal((1, ""), (code, output));
        Assert.StartsWith(
            "error: There is no document 'no.md' in the collection 'default'.\nfix: ",
            error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_name_that_two_sources_have_needs_the_source()
    {
        await FailAsync("local", "a.md");
        await FailAsync("other", "a.md");

        var (code, _, error) = await RunAsync("explain", "a.md");
        Assert.Equal(2, code);
        Assert.StartsWith("error: 2 documents are called 'a.md'.\nfix: ", error, StringComparison.Ordinal);
        Assert.Contains("(source other)", error, StringComparison.Ordinal);

        Assert.Contains(
            "source: other\n",
            (await RunAsync("explain", "a.md", "--source=other")).Output,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("copy")]
    [InlineData("migrate")]
    [InlineData("retry")]
    [InlineData("explain")]
    [InlineData("erase")]
    public async Task Every_verb_says_how_it_is_written(string verb)
    {
        var (code, output, error) = await RunAsync(verb, "--help");

        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith(verb + " ", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Source));
    }

    private async Task FailAsync(string source, params string[] names)
    {
        using var host = BuildHost();
        foreach (var name in names)
        {
            await host
                .Services.GetRequiredService<IDocumentStore>()
                .RecordFailureAsync(
                    new DocumentFailure
                    {
                        Collection = CollectionKey.Default,
                        Source = source,
                        Document = new SourceDocument { ExternalId = name, Name = name },
                        State = DocumentState.Quarantined,
                        ErrorClass = ErrorClass.Permanent,
                        Error = "it is broken",
                        PipelineFingerprint = "1",
                        SeenAt = new DateTimeOffset(2026, 6, 1, 8, 0, 0, TimeSpan.Zero),
                        Duration = TimeSpan.FromMilliseconds(200),
                    },
                    Token
                );
        }
    }

    private async Task<DocumentInfo> FindAsync(string name)
    {
        using var host = BuildHost();
        return Assert.Single(
            await host
                .Services.GetRequiredService<IDocumentMaintenance>()
                .FindAsync(CollectionKey.Default, name, null, Token)
        );
    }

    private IHost BuildHost()
    {
        var builder = TestHost.Create();
        builder.AddSlipway().UseSqlite(Source);
        return builder.Build();
    }
}
