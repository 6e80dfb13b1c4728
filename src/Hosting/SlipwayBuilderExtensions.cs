using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Slipway;
using Slipway.Agents;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;
using Slipway.Agents.Models;
using Slipway.Agents.Tools;
using Slipway.Agents.Turns;
using Slipway.Hosting;
using Slipway.Hosting.Ingestion;
using Slipway.Hosting.Models;
using Slipway.Hosting.Settings;
using Slipway.Hosting.Startup;
using Slipway.Hosting.Turns;
using Slipway.Rag.Chunking;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Reading;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Sources;
using Slipway.Rag.Storage;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds parts to Slipway. What an application has registered itself is never replaced.</summary>
public static class SlipwayBuilderExtensions
{
    /// <summary>
    /// Key of an <see cref="IEmbeddingGenerator"/> that an application registers itself: the model before, which embeds queries until a
    /// collection is embedded with the new one. Else it is the endpoint's <c>Rag:Embedding:PreviousModel</c>, if that is set.
    /// </summary>
    public const string PreviousEmbeddingModel = "slipway:previous-embedding-model";

    /// <summary>Adds knowledge: reading, chunking, ingestion on demand, retrieval. A store is needed: <c>UseSqlite(…)</c>.</summary>
    /// <param name="builder">Slipway.</param>
    /// <param name="configure">Settings in code; they win over the section <c>Rag</c>.</param>
    /// <remarks>
    /// An <see cref="IEmbeddingGenerator"/> that the application registers is used for search by meaning, or else the endpoint of the
    /// section <c>Rag:Embedding</c> (<c>EMBEDDING_…</c>). With neither, words alone are searched.
    /// </remarks>
    public static ISlipwayBuilder AddRag(this ISlipwayBuilder builder, Action<RagOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddValidatedOptions<RagOptions, RagBinder>(configure);
        services.AddValidatedOptions<EmbeddingOptions, EmbeddingBinder>(null);
        services.TryAddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider =>
            provider.GetRequiredService<IOptions<EmbeddingOptions>>().Value is { IsConfigured: true } model
                ? OpenAICompatible.CreateEmbeddingGenerator(model, provider.GetRequiredService<TimeProvider>())
                : null! // no model: whoever asks with GetService is told so, and searches by words
        );
        services.TryAddKeyedSingleton<IEmbeddingGenerator<string, Embedding<float>>>(
            PreviousEmbeddingModel,
            (provider, _) =>
                provider.GetRequiredService<IOptions<EmbeddingOptions>>().Value.Previous is { } model
                    ? OpenAICompatible.CreateEmbeddingGenerator(model, provider.GetRequiredService<TimeProvider>())
                    : null!
        );
        services.AddHostedService<StorageStart>();
        services.TryAddSingleton(provider => new ReaderSet(
            LimitedReader.Limit(
                [
                    .. provider.GetServices<IDocumentReader>(), // an application's own come first
                    .. ReaderSet.Default.Readers,
                ],
                Rag(provider)
            )
        ));
        services.TryAddSingleton(provider => Rag(provider).Chunking.CreateChunker());
        services.TryAddSingleton(provider => new IngestionPipeline(
            provider.GetRequiredService<IDocumentStore>(),
            provider.GetRequiredService<IDocumentQueue>(),
            provider.GetRequiredService<ILeaseStore>(),
            provider.GetRequiredService<ISearchIndex>(),
            provider.GetRequiredService<ReaderSet>(),
            provider.GetRequiredService<IChunker>(),
            provider.GetService<IEmbeddingGenerator<string, Embedding<float>>>(),
            Rag(provider).Ingestion,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<IngestionPipeline>>()
        ));
        services.TryAddSingleton(provider => new DocumentInbox(
            provider.GetRequiredService<IDocumentStore>(),
            provider.GetRequiredService<IInboxStore>(),
            provider.GetRequiredService<IBlobStore>(),
            provider.GetRequiredService<IChangeSignal>(),
            provider.GetRequiredService<IngestionPipeline>(),
            Rag(provider).CollectionKey,
            provider.GetRequiredService<TimeProvider>()
        ));
        services.TryAddSingleton(provider => new RetrievalPipeline(
            provider.GetRequiredService<ISearchIndex>(),
            provider.GetService<IEmbeddingGenerator<string, Embedding<float>>>(),
            Rag(provider).Retrieval,
            provider.GetRequiredService<ILogger<RetrievalPipeline>>(),
            provider.GetKeyedService<IEmbeddingGenerator<string, Embedding<float>>>(PreviousEmbeddingModel)
        ));
        services.TryAddSingleton<KnowledgeTools>();
        return builder;
    }

    /// <summary>Adds a folder as a source of documents.</summary>
    /// <param name="builder">Slipway.</param>
    /// <param name="path">The folder, relative to the content root.</param>
    /// <param name="name">
    /// The source's stable name; a second folder needs one of its own. The name <c>local</c> gives way to <see cref="RagOptions.FolderName"/>.
    /// </param>
    public static ISlipwayBuilder AddFolder(
        this ISlipwayBuilder builder,
        string path,
        string name = LocalFolderSource.DefaultName
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        builder.Services.AddSingleton<IDocumentSource>(provider => new LocalFolderSource(
            Path.GetFullPath(path, provider.GetRequiredService<IHostEnvironment>().ContentRootPath),
            name == LocalFolderSource.DefaultName ? Rag(provider).FolderName ?? name : name
        ));
        return builder;
    }

    /// <summary>
    /// Keeps the knowledge up to date while the host runs, or with <c>RUN_MODE=single</c> brings it up to date once and ends the host.
    /// </summary>
    public static ISlipwayBuilder AddIngestion(this ISlipwayBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<DocumentSources>();
        builder.Services.AddHostedService<IngestionWorker>();
        return builder;
    }

    /// <summary>Adds an agent that answers from the knowledge, if there is any. A store is needed: <c>UseSqlite(…)</c>.</summary>
    /// <param name="builder">Slipway.</param>
    /// <param name="configure">Settings in code; they win over the section <c>Agent</c>.</param>
    /// <remarks>
    /// An <see cref="IChatClient"/> that the application registers is its model, or else the endpoint of the section <c>Agent:Model</c>
    /// (<c>LLM_…</c>). With neither, <see cref="ExtractiveChatClient"/> answers with quotations. It lives as long as the host.
    /// </remarks>
    public static ISlipwayBuilder AddAgent(this ISlipwayBuilder builder, Action<AgentOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddValidatedOptions<AgentOptions, AgentBinder>(configure);
        services.AddValidatedOptions<ModelOptions, ModelBinder>(null);
        services.TryAddSingleton<ModelHealth>();
        services.TryAddSingleton<IChatClient>(provider =>
            provider.GetRequiredService<IOptions<ModelOptions>>().Value is { IsConfigured: true } model
                ? new WatchedChatClient(
                    OpenAICompatible.CreateChatClient(
                        model,
                        provider.GetRequiredService<TimeProvider>(),
                        provider.GetRequiredService<ILoggerFactory>()
                    ),
                    provider.GetRequiredService<ModelHealth>()
                )
                : new ExtractiveChatClient()
        );
        services.TryAddSingleton<IToolSource>(provider =>
            provider.GetService<KnowledgeTools>() is { } knowledge
                ? new ToolSource(
                    (principal, _) =>
                        new(knowledge.For(principal, new CollectionKey(principal.Tenant, Rag(provider).Collection)))
                )
                : ToolSource.Empty
        );
        services.TryAddSingleton<ConversationTitles>(provider =>
            provider.GetRequiredService<IOptions<AgentOptions>>().Value.GenerateTitles
            && provider.GetRequiredService<IChatClient>() is var model
            && model.GetService<ExtractiveChatClient>() is null
                ? new ConversationTitles(
                    model,
                    provider.GetRequiredService<IConversationStore>(),
                    provider.GetRequiredService<TimeProvider>(),
                    provider.GetRequiredService<ILogger<ConversationTitles>>()
                )
                : null! // conversations keep the title that they begin with
        );
        services.TryAddSingleton<ITurnRunner>(provider => new TurnRunner(
            new LoopGuardChatClient(
                provider.GetRequiredService<IChatClient>(),
                provider.GetRequiredService<IOptions<AgentOptions>>().Value.MaxRepeatedCalls
            ),
            provider.GetRequiredService<IConversationStore>(),
            provider.GetRequiredService<ITurnStore>(),
            provider.GetRequiredService<IToolSource>(),
            provider.GetService<IPassageReader>(),
            provider.GetRequiredService<IOptions<AgentOptions>>().Value,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<TurnRunner>>(),
            provider.GetRequiredService<IServiceScopeFactory>(),
            provider.GetRequiredService<IChangeSignal>(),
            provider.GetService<TurnLimiter>(),
            provider.GetService<IAttachmentStore>(),
            provider.GetService<ConversationTitles>()
        ));
        services.AddHostedService<TurnRecovery>();
        return builder;
    }

    /// <summary>Options that are read from their section by a binder, checked by it, and checked when the host starts.</summary>
    internal static void AddValidatedOptions<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TOptions,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TBinder
    >(this IServiceCollection services, Action<TOptions>? configure)
        where TOptions : class
        where TBinder : OptionsBinder<TOptions>
    {
        if (!services.Any(service => service.ServiceType == typeof(TBinder)))
        {
            services.AddSingleton<TBinder>();
            services.AddSingleton<IConfigureOptions<TOptions>>(provider => provider.GetRequiredService<TBinder>());
            services.AddSingleton<IValidateOptions<TOptions>>(provider => provider.GetRequiredService<TBinder>());
            services.AddOptions<TOptions>().ValidateOnStart();
        }

        if (configure is not null)
        {
            services.Configure(configure);
        }
    }

    private static RagOptions Rag(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<RagOptions>>().Value;
}
