using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Slipway.Hosting.Settings;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Settings;

[Trait("Tier", "fast")]
public sealed class AliasTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("LLM_BASE_URL", "Agent:Model:BaseUrl", "http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1")]
    [InlineData("EMBEDDING_MODEL_CHOICE", "Rag:Embedding:Model", "small", "small")]
    [InlineData("CHECK_INTERVAL", "Rag:Interval", "5", "5")]
    [InlineData("RAG_WATCH_DIRECTORY", "Rag:Folder", "/data", "/data")]
    [InlineData("DATABASE_URL", "Storage:Path", "sqlite:///var/lib/app.db", "/var/lib/app.db")]
    [InlineData("DATABASE_URL", "Storage:Path", "sqlite://app.db", "app.db")]
    [InlineData("DATABASE_URL", "Storage:Path", "file:/var/my%20app.db", "/var/my app.db")]
    [InlineData("DATABASE_URL", "Storage:Path", "app.db", "app.db")]
    [InlineData("DATABASE_URL", "Storage:Path", "postgres://user@host/db", null)]
    [InlineData("DATABASE_URL", "Storage:Path", "Host=server;Database=db", null)]
    [InlineData("DATABASE_URL", "Storage:ConnectionString", "postgres://user@host/db", "postgres://user@host/db")]
    [InlineData("DATABASE_URL", "Storage:ConnectionString", "postgresql://host/db?a=b", "postgresql://host/db?a=b")]
    [InlineData("DATABASE_URL", "Storage:ConnectionString", "Host=server;Database=db", "Host=server;Database=db")]
    [InlineData("DATABASE_URL", "Storage:ConnectionString", "sqlite:///var/a=b.db", null)]
    [InlineData("DATABASE_URL", "Storage:ConnectionString", "mysql://host/db", null)]
    [InlineData("DATABASE_URL", "Storage:ConnectionString", "app.db", null)]
    [InlineData("SUPABASE_URL", "Auth:Issuer", "https://p.supabase.co/", "https://p.supabase.co/auth/v1")]
    [InlineData("SUPABASE_URL", "Auth:Audience", "https://p.supabase.co", "authenticated")]
    public void A_flat_name_stands_for_a_setting(string alias, string key, string value, string? expected) =>
        Assert.Equal(expected, Configuration((alias, value))[key]);

    [Fact]
    public void The_sections_own_value_wins_wherever_it_stands() =>
        Assert.Equal("7", Configuration(("CHECK_INTERVAL", "5"), ("Rag:Interval", "7"))["Rag:Interval"]);

    [Fact]
    public void An_empty_alias_is_none() => Assert.Null(Configuration(("CHECK_INTERVAL", ""))["Rag:Interval"]);

    [Fact]
    public void An_alias_that_is_set_later_counts()
    {
        var builder = Create();
        builder.AddSlipway();
        builder.Configuration.AddInMemoryCollection(TestHost.Settings(("CHECK_INTERVAL", "5")));

        Assert.Equal("5", builder.Configuration["Rag:Interval"]);
        Assert.Equal(["Interval"], builder.Configuration.GetSection("Rag").GetChildren().Select(child => child.Key));
    }

    [Theory]
    [InlineData("LLM_API_KEY_FILE")]
    [InlineData("Agent:Model:ApiKey_FILE")]
    public void A_secret_may_come_from_a_file(string name) =>
        Assert.Equal("secret", Configuration((name, _folder.Write("key", "secret\n")))["Agent:Model:ApiKey"]);

    [Fact]
    public void The_value_itself_wins_over_its_file() =>
        Assert.Equal(
            "direct",
            Configuration(("LLM_API_KEY_FILE", _folder.Write("key", "secret")), ("LLM_API_KEY", "direct"))[
                "Agent:Model:ApiKey"
            ]
        );

    [Fact]
    public void A_file_that_cannot_be_read_is_named()
    {
        var configuration = Configuration(("LLM_API_KEY_FILE", Path.Combine(_folder.Path, "missing")));

        Assert.Null(configuration["Agent:Model:ApiKey"]);
        var failure = Assert.Single(AliasConfiguration.FileFailures(configuration));
        Assert.StartsWith("LLM_API_KEY_FILE names a file that cannot be read", failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "staging", "staging")]
    [InlineData(null, null, "Production")]
    public void ENVIRONMENT_names_the_environment(string? own, string? alias, string expected)
    {
        Assert.SkipWhen(
            Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") != own,
            "DOTNET_ENVIRONMENT is set in this process, and it wins."
        );
        var builder = Create(TestHost.Settings(("ENVIRONMENT", alias)));
        builder.AddSlipway();
        Assert.Equal(expected, builder.Environment.EnvironmentName);
    }

    private static IConfiguration Configuration(params (string, string?)[] settings)
    {
        var builder = Create(TestHost.Settings(settings));
        builder.AddSlipway();
        return builder.Configuration;
    }
}
