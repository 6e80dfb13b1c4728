using System.Text.RegularExpressions;

namespace Slipway.Architecture.Tests;

[Trait("Tier", "fast")]
public sealed partial class SourceTests
{
    public static TheoryData<string, string> Pipelines =>
        new()
        {
            { "Rag.Core/Ingestion/IngestionPipeline.cs", "RunAsync" },
            { "Rag.Core/Retrieval/RetrievalPipeline.cs", "RetrieveAsync" },
            { "Agent.Core/Turns/TurnRunner.cs", "RunAsync" },
        };

    [Fact]
    public void No_source_file_is_over_500_lines() =>
        Assert.DoesNotContain(Repository.Sources("src"), file => File.ReadLines(file).Count() > 500);

    [Theory]
    [MemberData(nameof(Pipelines))]
    public void A_flow_stands_in_one_file_of_one_idea(string file, string entry)
    {
        var path = Path.Combine(Repository.Root, "src", file);
        Assert.True(File.ReadLines(path).Count() <= 200, file);
        Assert.Contains(entry, File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_named_after_nothing() =>
        Assert.DoesNotContain(
            Repository.Sources("src"),
            file => EmptyName().IsMatch(Path.GetFileNameWithoutExtension(file))
        );

    [Fact]
    public void Every_package_says_what_it_is() =>
        Assert.All(
            Repository.Projects("src"),
            project =>
                Assert.True(
                    new FileInfo(Path.Combine(Path.GetDirectoryName(project)!, "README.md")).Length > 300,
                    project
                )
        );

    [Fact]
    public void The_source_in_the_readme_is_the_one_that_runs_through_the_suite()
    {
        var tested = File.ReadAllText(Path.Combine(Repository.Root, "tests/Rag.Core.Tests/Sources/ZipSource.cs"));
        var start = tested.IndexOf("/// <summary>", StringComparison.Ordinal);
        Assert.Contains(
            tested[start..].TrimEnd(),
            File.ReadAllText(Path.Combine(Repository.Root, "src/Rag.Core/README.md")),
            StringComparison.Ordinal
        );
    }

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Utility|Common|Misc|Service|Impl)$")]
    private static partial Regex EmptyName();
}
