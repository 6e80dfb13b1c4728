using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Settings;

[Trait("Tier", "fast")]
public sealed class RagSettingsTests
{
    [Fact]
    [Trait("Parity", "S63")]
    public void Check_interval_is_read_in_seconds() =>
        Assert.Equal(TimeSpan.FromSeconds(5), Options(("CHECK_INTERVAL", "5")).Interval);

    [Fact]
    [Trait("Parity", "S63")]
    public void The_interval_is_a_minute_by_default() => Assert.Equal(TimeSpan.FromSeconds(60), Options().Interval);

    [Theory]
    [InlineData("00:02:00", 120)]
    [InlineData("1.5", 1.5)]
    public void An_interval_may_be_a_time_or_a_fraction(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Options(("Rag:Interval", text)).Interval);

    [Fact]
    [Trait("Parity", "S62")]
    public void The_environment_names_folder_and_mode()
    {
        var options = Options(("RAG_WATCH_DIRECTORY", "/data"), ("RUN_MODE", "single"));
        Assert.Equal(("/data", RunMode.Single), (options.Folder, options.RunMode));
    }

    [Fact]
    public void Analyser_and_ranking_are_settings()
    {
        var options = Options(
            ("Rag:Ingestion:Analyzer:Stemming", "false"),
            ("Rag:Ingestion:Analyzer:StopWords", "false"),
            ("Rag:Retrieval:Bm25:K1", "1.2"),
            ("Rag:Retrieval:Bm25:B", "0.75")
        );
        Assert.Equal("plain/1", options.Ingestion.Analyzer.Name);
        Assert.Equal((1.2, 0.75), (options.Retrieval.Bm25.K1, options.Retrieval.Bm25.B));
        Assert.Throws<OptionsValidationException>(() => Options(("Rag:Retrieval:Bm25:B", "1.5")));
        Assert.Throws<OptionsValidationException>(() => Options(("Rag:Ingestion:Analyzer:Stemmer", "klingon")));
    }

    [Fact]
    public void Code_wins_over_settings()
    {
        var builder = Create(TestHost.Settings(("Rag:Interval", "5")));
        builder.AddSlipway().UseSqlite("never-opened.db").AddRag(options => options.Interval = TimeSpan.FromSeconds(9));
        using var host = builder.Build();
        Assert.Equal(9, host.Services.GetRequiredService<IOptions<RagOptions>>().Value.Interval.TotalSeconds);
    }

    [Fact]
    [Trait("Parity", "S64")]
    public void Every_failure_is_listed_by_the_name_that_was_used()
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            Options(
                ("CHECK_INTERVAL", "often"),
                ("Rag:RunMode", "twice"),
                ("Rag:Colection", "docs"),
                ("LLM_API_KEY_FILE", "/nowhere/key")
            )
        );

        Assert.Collection(
            error.Failures,
            failure =>
                Assert.Equal(
                    "CHECK_INTERVAL (Rag:Interval) is 'often'; expected is a number of seconds or hh:mm:ss.",
                    failure
                ),
            failure => Assert.Equal("Rag:RunMode is 'twice'; expected is one of continuous, single.", failure),
            failure =>
                Assert.StartsWith(
                    "Rag:Colection is not a setting. Rag has: Chunking, Collection, ",
                    failure,
                    StringComparison.Ordinal
                ),
            failure => Assert.StartsWith("LLM_API_KEY_FILE names a file", failure, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("90000")]
    [InlineData("1e400")]
    [Trait("Parity", "S64")]
    public void An_interval_out_of_range_is_refused(string interval)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Options(("CHECK_INTERVAL", interval)));
        Assert.StartsWith("CHECK_INTERVAL (Rag:Interval) is ", Assert.Single(error.Failures), StringComparison.Ordinal);
    }

    private static RagOptions Options(params (string, string?)[] settings)
    {
        var builder = Create(TestHost.Settings(settings));
        builder.AddSlipway().UseSqlite("never-opened.db").AddRag();
        using var host = builder.Build();
        return host.Services.GetRequiredService<IOptions<RagOptions>>().Value;
    }
}
