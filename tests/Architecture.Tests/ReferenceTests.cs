using System.Xml.Linq;

namespace Slipway.Architecture.Tests;

/// <summary>Who may reference whom. The lists are the rule; a new reference is a change of design and is made here as well.</summary>
[Trait("Tier", "fast")]
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> AllowedProjects = new(StringComparer.Ordinal)
    {
        ["Abstractions"] = [],
        ["Rag.Core"] = ["Abstractions"],
        ["Rag.Testing"] = ["Abstractions", "Rag.Core"],
        ["Agent.Core"] = ["Abstractions"],
        ["Agent.Testing"] = ["Abstractions", "Agent.Core"],
        ["Storage.Postgres"] = ["Abstractions", "Rag.Core", "Agent.Core"],
        ["Storage.Sqlite"] = ["Abstractions", "Rag.Core", "Agent.Core"],
        ["Hosting"] = ["Abstractions", "Rag.Core", "Agent.Core"],
        ["Hosting.AspNetCore"] = ["Hosting"],
    };

    private static readonly Dictionary<string, string[]> AllowedPackages = new(StringComparer.Ordinal)
    {
        ["Abstractions"] = ["Microsoft.Extensions.DependencyInjection.Abstractions"],
        ["Rag.Core"] =
        [
            "Markdig",
            "Microsoft.Extensions.AI.Abstractions",
            "Microsoft.Extensions.Logging.Abstractions",
            "System.IO.Hashing",
            "System.Numerics.Tensors",
        ],
        ["Rag.Testing"] =
        [
            "CsCheck",
            "Microsoft.Extensions.TimeProvider.Testing",
            "xunit.v3.assert",
            "xunit.v3.extensibility.core",
        ],
        ["Agent.Core"] =
        [
            "Microsoft.Agents.AI.Abstractions",
            "Microsoft.Extensions.AI.Abstractions",
            "Microsoft.Extensions.Logging.Abstractions",
        ],
        ["Storage.Postgres"] = ["Microsoft.Extensions.Configuration.Abstractions", "Npgsql", "Pgvector"],
        ["Agent.Testing"] =
        [
            "Microsoft.Extensions.TimeProvider.Testing",
            "xunit.v3.assert",
            "xunit.v3.extensibility.core",
        ],
        ["Storage.Sqlite"] = ["Microsoft.Data.Sqlite", "Microsoft.Extensions.Configuration.Abstractions"],
        ["Hosting"] = ["Microsoft.Extensions.AI.OpenAI", "Microsoft.Extensions.Hosting"],
        ["Hosting.AspNetCore"] =
        [
            "Microsoft.AspNetCore.Authentication.JwtBearer",
            "Microsoft.AspNetCore.OpenApi",
            "Scalar.AspNetCore",
        ],
    };

    public static TheoryData<string> Packages => [.. Repository.Projects("src").Select(Repository.Name)];

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_references_only_the_projects_it_may(string name) =>
        Assert.Empty(Repository.References(Project(name), "ProjectReference").Except(AllowedProjects[name]));

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_references_only_the_packages_it_may(string name) =>
        Assert.Empty(Repository.References(Project(name), "PackageReference").Except(AllowedPackages[name]));

    [Fact]
    public void Only_tests_reference_a_testing_package() =>
        Assert.DoesNotContain(
            new[] { "src", "samples", "benchmarks", "templates" }.SelectMany(Repository.Projects),
            project =>
                new[] { "ProjectReference", "PackageReference" }.Any(kind =>
                    Repository
                        .References(project, kind)
                        .Any(reference =>
                            reference is "Rag.Testing" or "Agent.Testing"
                            || (
                                reference.StartsWith("Slipway.", StringComparison.Ordinal)
                                && reference.EndsWith(".Testing", StringComparison.Ordinal)
                            )
                        )
                )
        );

    [Fact]
    public void Only_the_web_package_needs_the_web_framework() =>
        Assert.Equal(
            ["Hosting.AspNetCore"],
            Repository
                .Projects("src")
                .Where(project => Repository.References(project, "FrameworkReference").Count > 0)
                .Select(Repository.Name)
        );

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_built_assembly_refers_only_to_what_its_project_names(string name)
    {
        var assembly = System.Reflection.Assembly.LoadFrom(
            Path.Combine(AppContext.BaseDirectory, $"Slipway.{name}.dll")
        );
        var own = assembly
            .GetReferencedAssemblies()
            .Select(reference => reference.Name!)
            .Where(reference => reference.StartsWith("Slipway.", StringComparison.Ordinal))
            .Select(reference => reference["Slipway.".Length..]);

        Assert.Empty(own.Except(Closure(name)));
    }

    [Fact]
    public void Every_project_is_in_the_solution_and_has_a_lock_file()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Library.sln"));
        foreach (var project in new[] { "src", "tests", "samples", "benchmarks" }.SelectMany(Repository.Projects))
        {
            Assert.Contains(Path.GetFileName(project), solution, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json")), project);
        }
    }

    [Fact]
    public void No_project_names_a_version_of_its_own() =>
        Assert.DoesNotContain(
            new[] { "src", "tests", "samples", "benchmarks" }.SelectMany(Repository.Projects),
            project =>
                XDocument
                    .Load(project)
                    .Descendants("PackageReference")
                    .Any(reference => reference.Attribute("Version") is not null)
        );

    private static string Project(string name) => Path.Combine(Repository.Root, "src", name, name + ".csproj");

    private static HashSet<string> Closure(string name)
    {
        var closure = new HashSet<string>(StringComparer.Ordinal);
        var pending = new Stack<string>(Repository.References(Project(name), "ProjectReference"));
        while (pending.TryPop(out var next))
        {
            if (closure.Add(next))
            {
                foreach (var reference in Repository.References(Project(next), "ProjectReference"))
                {
                    pending.Push(reference);
                }
            }
        }

        return closure;
    }
}
