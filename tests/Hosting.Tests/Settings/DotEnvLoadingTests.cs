using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Slipway.Hosting.Tests.Settings;

[Trait("Tier", "fast")]
[Trait("Parity", "S33")]
public sealed class DotEnvLoadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void In_development_the_file_wins_over_the_environment_and_loses_to_the_command_line()
    {
        _folder.Write(".env", "FROM_FILE=file\nPATH=file\nON_COMMAND_LINE=file");

        var configuration = Load("Development", "--ON_COMMAND_LINE", "argument");

        Assert.Equal("file", configuration["FROM_FILE"]);
        Assert.Equal("file", configuration["PATH"]); // every process has one in its environment
        Assert.Equal("argument", configuration["ON_COMMAND_LINE"]);
    }

    [Fact]
    public void In_production_only_the_environment_counts()
    {
        _folder.Write(".env", "FROM_FILE=file\nPATH=file");

        var configuration = Load("Production");

        Assert.Null(configuration["FROM_FILE"]);
        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), configuration["PATH"]);
    }

    [Fact]
    public void Without_a_file_nothing_happens() => Assert.Null(Load("Development")["FROM_FILE"]);

    [Fact]
    public void A_file_that_is_malformed_stops_the_start() =>
        Assert.Contains(
            "Line 1",
            Assert
                .Throws<SlipwayException>(() =>
                {
                    _folder.Write(".env", "nonsense");
                    Load("Development");
                })
                .Message,
            StringComparison.Ordinal
        );

    private ConfigurationManager Load(string environment, params string[] arguments)
    {
        var builder = Host.CreateApplicationBuilder(
            new HostApplicationBuilderSettings
            {
                Args = arguments,
                ContentRootPath = _folder.Path,
                EnvironmentName = environment,
            }
        );
        builder.AddSlipway();
        return builder.Configuration;
    }
}
