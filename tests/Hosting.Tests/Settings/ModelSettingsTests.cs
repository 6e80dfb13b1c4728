using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Slipway.Agents;
using Slipway.Agents.Models;
using Slipway.Agents.Turns;
using Slipway.Hosting.Models;
using static Slipway.Hosting.Tests.TestHost;

namespace Slipway.Hosting.Tests.Settings;

[Trait("Tier", "fast")]
public sealed class ModelSettingsTests
{
    [Fact]
    public void Without_settings_answers_are_quotations_and_search_is_by_words()
    {
        using var host = Build();
        Assert.IsType<ExtractiveChatClient>(host.Services.GetRequiredService<IChatClient>());
        Assert.Null(host.Services.GetService<IEmbeddingGenerator<string, Embedding<float>>>());
        Assert.NotNull(host.Services.GetRequiredService<ITurnRunner>());
    }

    [Fact]
    [Trait("Parity", "S36")]
    [Trait("Parity", "S34")]
    public void The_environment_names_models_that_live_as_long_as_the_host()
    {
        using var host = Build(
            settings:
            [
                ("LLM_BASE_URL", "http://127.0.0.1:11434/v1"),
                ("LLM_CHOICE", "qwen3"),
                ("Agent:Model:Timeout", "5"),
                ("EMBEDDING_BASE_URL", "http://127.0.0.1:11434/v1"),
                ("EMBEDDING_MODEL_CHOICE", "nomic"),
                ("Rag:Embedding:Dimensions", "256"),
            ]
        );
        var chat = host.Services.GetRequiredService<IChatClient>();
        Assert.Same(chat, host.Services.GetRequiredService<IChatClient>());
        Assert.Equal("qwen3", chat.GetService<ChatClientMetadata>()?.DefaultModelId);
        Assert.Equal(TimeSpan.FromSeconds(5), host.Services.GetRequiredService<IOptions<ModelOptions>>().Value.Timeout);
        var embedding = host.Services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        Assert.Same(embedding, host.Services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>());
        Assert.Equal("nomic", embedding.GetService<EmbeddingGeneratorMetadata>()?.DefaultModelId);
    }

    [Fact]
    public void What_the_application_registers_wins()
    {
        using var own = new ExtractiveChatClient();
        using var host = Build(
            builder => builder.Services.AddSingleton<IChatClient>(own),
            ("LLM_BASE_URL", "http://127.0.0.1:1/v1")
        );
        Assert.Same(own, host.Services.GetRequiredService<IChatClient>());
    }

    [Fact]
    public async Task Every_wrong_setting_of_every_part_is_listed_before_anything_starts()
    {
        using var host = Build(
            settings:
            [
                ("LLM_BASE_URL", "nowhere"),
                ("EMBEDDING_PROVIDER", "abacus"),
                ("Agent:MaxModelCalls", "0"),
                ("Agent:Name", " "),
                ("Agent:Modl", "x"),
                ("Rag:Interval", "0"),
                ("Rag:Collection", " "),
                ("Rag:Chunking:Mode", "window"),
                ("Rag:Chunking:Size", "10"),
                ("Rag:Chunking:Overlap", "10"),
                ("Rag:Ingestion:MaxDeleteShare", "1.5"),
                ("Rag:Retrieval:Fusion", "magic"),
                ("Rag:Retrieval:VectorWeight", "NaN"),
                ("Rag:Retrieval:LexicalWhenEmbeddingFails", "perhaps"),
            ]
        );
        var error = await Assert.ThrowsAsync<AggregateException>(() =>
            host.StartAsync(TestContext.Current.CancellationToken)
        );
        var failures = error
            .InnerExceptions.Cast<OptionsValidationException>()
            .SelectMany(part => part.Failures)
            .ToList();
        string[] expected =
        [
            "LLM_BASE_URL",
            "EMBEDDING_PROVIDER",
            "Agent:MaxModelCalls",
            "Agent:Name",
            "Agent:Modl",
            "Rag:Interval",
            "Rag:Collection",
            "Rag:Chunking: A chunk size of 10",
            "Rag:Ingestion:MaxDeleteShare",
            "Rag:Retrieval:Fusion",
            "Rag:Retrieval:VectorWeight",
            "Rag:Retrieval:LexicalWhenEmbeddingFails",
        ];
        Assert.All(
            expected,
            name => Assert.Contains(failures, failure => failure.StartsWith(name, StringComparison.Ordinal))
        );
        Assert.Equal(expected.Length, failures.Count);
    }

    [Fact]
    public async Task Without_a_database_the_start_says_which_call_is_missing()
    {
        var builder = Create();
        builder.AddSlipway().AddRag().AddAgent();
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<AggregateException>(() =>
            host.StartAsync(TestContext.Current.CancellationToken)
        );
        Assert.All(error.InnerExceptions, part => Assert.Contains("UseSqlite", part.Message, StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Parity", "S93")]
    public void The_chunker_follows_its_settings()
    {
        using var structure = Build(settings: [("Rag:Chunking:Size", "200")]);
        Assert.Contains(
            "200",
            structure.Services.GetRequiredService<Slipway.Rag.Chunking.IChunker>().Fingerprint,
            StringComparison.Ordinal
        );
        using var window = Build(settings: [("Rag:Chunking:Mode", "window")]);
        Assert.Equal("window/1;400;0", window.Services.GetRequiredService<Slipway.Rag.Chunking.IChunker>().Fingerprint);
    }

    [Fact]
    public void The_agent_follows_its_settings()
    {
        using var host = Build(
            settings: [("Agent:Name", "helpdesk"), ("Agent:Instructions", "Be brief."), ("Agent:HistoryMessages", "4")]
        );
        var options = host.Services.GetRequiredService<IOptions<AgentOptions>>().Value;
        Assert.Equal(("helpdesk", "Be brief.", 4), (options.Name, options.Instructions, options.HistoryMessages));
    }

    private static IHost Build(Action<HostApplicationBuilder>? configure = null, params (string, string?)[] settings)
    {
        var builder = Create(TestHost.Settings(settings));
        configure?.Invoke(builder);
        builder.AddSlipway().UseSqlite("never-opened.db").AddRag().AddAgent();
        return builder.Build();
    }
}
