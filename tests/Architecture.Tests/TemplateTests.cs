namespace Slipway.Architecture.Tests;

/// <summary>Packages and templates as a new user has them: packed, installed, scaffolded, built against the packed packages.</summary>
public sealed class TemplateTests
{
    [Fact(Explicit = true)]
    [Trait("Tier", "nightly")]
    public async Task What_is_scaffolded_builds_against_what_was_packed()
    {
        var scratch = Directory.CreateTempSubdirectory("slipway-template-").FullName;
        try
        {
            var feed = Path.Combine(scratch, "feed");
            await RunAsync("pack", Path.Combine(Repository.Root, "Library.sln"), "--output", feed);
            var hive = Path.Combine(scratch, "hive");
            var package = Assert.Single(Directory.GetFiles(feed, "Slipway.Templates.*.nupkg"));
            await RunAsync("new", "install", package, "--debug:custom-hive", hive);
            var project = Path.Combine(scratch, "Acme.Knowledge");
            // Its packages come from the feed beside it; everything else from where this machine gets packages.
            await File.WriteAllTextAsync(
                Path.Combine(scratch, "nuget.config"),
                """<configuration><packageSources><add key="packed" value="feed" /></packageSources></configuration>""",
                TestContext.Current.CancellationToken
            );
            await RunAsync("new", "slipway-api", "--output", project, "--debug:custom-hive", hive, "--no-update-check");

            await RunAsync("build", project);

            Assert.True(File.Exists(Path.Combine(project, "bin", "Debug", "net10.0", "Acme.Knowledge.dll")));
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static async Task RunAsync(params string[] arguments)
    {
        var (exitCode, output) = await Command.RunAsync("dotnet", arguments);
        Assert.True(exitCode == 0, string.Join(' ', arguments) + "\n" + output);
    }
}
