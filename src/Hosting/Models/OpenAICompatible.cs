using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using Slipway.Hosting.Models.Internal;

namespace Slipway.Hosting.Models;

/// <summary>Models behind any endpoint that speaks OpenAI's protocol: OpenAI, Azure, OpenRouter, Ollama, vLLM and others.</summary>
public static class OpenAICompatible
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);

    // Names are looked up again now and then: an endpoint behind a balancer moves.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <summary>A language model. Its failures are <see cref="SlipwayException"/>s that name the endpoint and the setting to fix.</summary>
    /// <param name="options">Where and which.</param>
    /// <param name="timeProvider">The clock of time-outs and retries; null for the system's.</param>
    /// <returns>A client that owns its connections; dispose it.</returns>
    /// <exception cref="SlipwayException">A setting is wrong.</exception>
    public static IChatClient CreateChatClient(ModelOptions options, TimeProvider? timeProvider = null)
    {
        ThrowIfInvalid(options);
        ModelEndpoint endpoint = new(options, timeProvider ?? TimeProvider.System);
        var connections = Connect();
        ChatClient client = new(
            options.ModelInUse,
            new ApiKeyCredential(options.KeyInUse),
            Settings(endpoint, connections)
        );
        return new EndpointChatClient(client.AsIChatClient(), endpoint, connections);
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
            Settings(endpoint, connections)
        );
        return new EndpointEmbeddingGenerator(
            client.AsIEmbeddingGenerator(options.Dimensions),
            endpoint,
            options,
            connections
        );
    }

    private static HttpClient Connect() =>
        new(new SocketsHttpHandler { ConnectTimeout = ConnectTimeout, PooledConnectionLifetime = ConnectionLifetime })
        {
            Timeout = Timeout.InfiniteTimeSpan, // silence is measured by the endpoint's own clock
        };

    private static OpenAIClientOptions Settings(ModelEndpoint endpoint, HttpClient connections) =>
        new()
        {
            Endpoint = endpoint.Options.EndpointInUse,
            Transport = new HttpClientPipelineTransport(connections),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
            RetryPolicy = new EndpointRetryPolicy(endpoint),
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
