using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using Slipway.Agents.Models;
using Slipway.Hosting.Models.Internal;

namespace Slipway.Hosting.Models;

/// <summary>Models behind any endpoint that speaks OpenAI's protocol: OpenAI, Azure, OpenRouter, Ollama, vLLM and others.</summary>
public static class OpenAICompatible
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);

    // Names are looked up again now and then: an endpoint behind a balancer moves.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <summary>
    /// A language model, with its retries, time-outs and fallbacks. Its failures are <see cref="SlipwayException"/>s that name the endpoint
    /// and the setting to fix.
    /// </summary>
    /// <param name="options">Where and which.</param>
    /// <param name="timeProvider">The clock of time-outs and retries; null for the system's.</param>
    /// <param name="loggerFactory">Where retries and the use of fallbacks are noted; null for nowhere.</param>
    /// <returns>A client that owns its connections; dispose it.</returns>
    /// <exception cref="SlipwayException">A setting is wrong.</exception>
    public static IChatClient CreateChatClient(
        ModelOptions options,
        TimeProvider? timeProvider = null,
        ILoggerFactory? loggerFactory = null
    )
    {
        ThrowIfInvalid(options);
        var time = timeProvider ?? TimeProvider.System;
        var loggers = loggerFactory ?? NullLoggerFactory.Instance;
        var models = options.InOrder().Select(model => CreateOne(model, time, loggers)).ToList();
        return models.Count == 1
            ? models[0]
            : new FallbackChatClient(models, null, time, loggers.CreateLogger<FallbackChatClient>());
    }

    /// <summary>
    /// A model that makes vectors. It sends any number of texts in batches; its failures are <see cref="SlipwayException"/>s that name
    /// the endpoint and the setting to fix.
    /// </summary>
    /// <param name="options">Where and which.</param>
    /// <param name="timeProvider">The clock of time-outs and retries; null for the system's.</param>
    /// <returns>A generator that owns its connections; dispose it.</returns>
    /// <exception cref="SlipwayException">A setting is wrong.</exception>
    public static IEmbeddingGenerator<string, Embedding<float>> CreateEmbeddingGenerator(
        EmbeddingOptions options,
        TimeProvider? timeProvider = null
    )
    {
        ThrowIfInvalid(options);
        ModelEndpoint endpoint = new(options, timeProvider ?? TimeProvider.System);
        var connections = Connect();
        EmbeddingClient client = new(
            options.ModelInUse,
            new ApiKeyCredential(options.KeyInUse),
            Settings(endpoint, connections, new EndpointRetryPolicy(endpoint))
        );
        return new EndpointEmbeddingGenerator(
            client.AsIEmbeddingGenerator(options.Dimensions),
            endpoint,
            options,
            connections
        );
    }

    private static RetryingChatClient CreateOne(ModelOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        ModelEndpoint endpoint = new(options, time);
        var connections = Connect();
        ChatClient client = new(
            options.ModelInUse,
            new ApiKeyCredential(options.KeyInUse),
            Settings(endpoint, connections, new ClientRetryPolicy(maxRetries: 0))
        );
        TimeoutChatClient patient = new(
            new EndpointChatClient(client.AsIChatClient(), endpoint, connections),
            new()
            {
                FirstToken = options.FirstTokenTimeoutInUse,
                NextToken = options.TokenTimeoutInUse,
                Endpoint = endpoint.Host,
                FirstTokenSetting = options.FirstTokenTimeoutSetting,
                NextTokenSetting = options.TokenTimeoutSetting,
            },
            time
        );
        return new(
            patient,
            new() { MaxRetries = options.MaxRetries },
            time,
            loggers.CreateLogger<RetryingChatClient>()
        );
    }

    private static HttpClient Connect() =>
        new(new SocketsHttpHandler { ConnectTimeout = ConnectTimeout, PooledConnectionLifetime = ConnectionLifetime })
        {
            Timeout = Timeout.InfiniteTimeSpan, // silence is measured by the endpoint's own clock
        };

    private static OpenAIClientOptions Settings(
        ModelEndpoint endpoint,
        HttpClient connections,
        ClientRetryPolicy retries
    ) =>
        new()
        {
            Endpoint = endpoint.Options.EndpointInUse,
            Transport = new HttpClientPipelineTransport(connections),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
            RetryPolicy = retries,
        };

    private static void ThrowIfInvalid(EndpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Validate().ToList() is { Count: > 0 } failures)
        {
            throw new SlipwayException(ErrorClass.Configuration, string.Join(" ", failures));
        }
    }
}
