using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Models;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Settings;

/// <summary>A change of embedding model, and what embedding may take: as settings of every host.</summary>
[Trait("Tier", "fast")]
public sealed class EmbeddingSettingsTests
{
    [Fact]
    public void The_model_before_is_a_setting()
    {
        using var host = Build(
            ("EMBEDDING_BASE_URL", "http://127.0.0.1:11434/v1"),
            ("Rag:Embedding:PreviousModel", "before"),
            ("Rag:Embedding:PreviousDimensions", "256")
        );

        var options = host.Services.GetRequiredService<IOptions<EmbeddingOptions>>().Value;

        Assert.Equal(("before", 256), (options.PreviousModel, options.PreviousDimensions));
    }

    [Fact]
    public void What_a_run_may_take_is_a_setting()
    {
        using var host = Build(
            ("Rag:Ingestion:EmbeddingConcurrency", "12"),
            ("Rag:Ingestion:MaxRunTime", "00:10:00"),
            ("Rag:Ingestion:EmbeddingPrice", "0.02"),
            ("Rag:Ingestion:MaxRunCost", "1.5")
        );

        var options = host.Services.GetRequiredService<IOptions<RagOptions>>().Value.Ingestion;

        Assert.Equal((12, TimeSpan.FromMinutes(10)), (options.EmbeddingConcurrency, options.MaxRunTime));
        Assert.Equal((0.02m, 1.5m), (options.EmbeddingPrice, options.MaxRunCost));
    }

    [Fact]
    public void Without_settings_nothing_is_limited()
    {
        using var host = Build();

        var embedding = host.Services.GetRequiredService<IOptions<EmbeddingOptions>>().Value;
        var ingestion = host.Services.GetRequiredService<IOptions<RagOptions>>().Value.Ingestion;

        Assert.Equal((null, null), (embedding.PreviousModel, embedding.PreviousDimensions));
        Assert.Equal((null, null), (ingestion.EmbeddingConcurrency, ingestion.MaxRunTime));
        Assert.Equal((null, null), (ingestion.EmbeddingPrice, ingestion.MaxRunCost));
    }

    [Theory]
    [InlineData("Ingestion:EmbeddingConcurrency", "0", "Rag:Ingestion:EmbeddingConcurrency is 0; set 1 to 256.")]
    [InlineData(
        "Ingestion:EmbeddingConcurrency",
        "many",
        "Rag:Ingestion:EmbeddingConcurrency is 'many'; expected is a whole number."
    )]
    [InlineData("Ingestion:MaxRunTime", "0", "Rag:Ingestion:MaxRunTime is 0; set 1 to 2592000.")]
    [InlineData("Ingestion:MaxRunTime", "-5", "Rag:Ingestion:MaxRunTime is -5; set 1 to 2592000.")]
    [InlineData(
        "Ingestion:MaxRunTime",
        "soon",
        "Rag:Ingestion:MaxRunTime is 'soon'; expected is a number of seconds or hh:mm:ss."
    )]
    [InlineData("Ingestion:EmbeddingPrice", "-1", "Rag:Ingestion:EmbeddingPrice is -1; set 0 to 1000000.")]
    [InlineData(
        "Ingestion:EmbeddingPrice",
        "2 cents",
        "Rag:Ingestion:EmbeddingPrice is '2 cents'; expected is an amount such as 0.02."
    )]
    [InlineData(
        "Ingestion:MaxRunCost",
        "5",
        "Rag:Ingestion:MaxRunCost is set and Rag:Ingestion:EmbeddingPrice is not; set the price of a million tokens."
    )]
    [InlineData(
        "Embedding:PreviousDimensions",
        "256",
        "Rag:Embedding:PreviousDimensions is set and Rag:Embedding:PreviousModel is not; name the model before, or leave both out."
    )]
    [InlineData(
        "Embedding:PreviousModel",
        "before",
        "Rag:Embedding:PreviousModel is set and no endpoint is; set EMBEDDING_BASE_URL or EMBEDDING_PROVIDER, or leave it out."
    )]
    public async Task A_wrong_one_ends_the_start_with_what_would_be_right(string key, string value, string expected)
    {
        using var host = Build(("Rag:" + key, value));

        var error = await Assert.ThrowsAsync<OptionsValidationException>(() =>
            host.StartAsync(TestContext.Current.CancellationToken)
        );

        Assert.Equal([expected], error.Failures);
    }

    [Fact]
    public async Task Sizes_that_are_wrong_are_listed_all_at_once()
    {
        using var host = Build(
            ("EMBEDDING_BASE_URL", "http://127.0.0.1:11434/v1"),
            ("Rag:Embedding:PreviousModel", "before"),
            ("Rag:Embedding:PreviousDimensions", "0"),
            ("Rag:Embedding:Dimensions", "-1"),
            ("Rag:Ingestion:EmbeddingPrice", "1"),
            ("Rag:Ingestion:MaxRunCost", "-1")
        );

        var error = await Assert.ThrowsAsync<AggregateException>(() =>
            host.StartAsync(TestContext.Current.CancellationToken)
        );

        Assert.Equal(
            [
                "Rag:Embedding:Dimensions is -1; set 1 or more, or leave it out.",
                "Rag:Embedding:PreviousDimensions is 0; set 1 or more, or leave it out.",
                "Rag:Ingestion:MaxRunCost is -1; set 0 to 1000000000.",
            ],
            error.InnerExceptions.Cast<OptionsValidationException>().SelectMany(part => part.Failures).Order()
        );
    }

    private static IHost Build(params (string, string?)[] settings)
    {
        var builder = Create(TestHost.Settings(settings));
        builder.AddSlipway().UseSqlite("never-opened.db").AddRag();
        return builder.Build();
    }
}
