using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Models.Internal;

namespace Slipway.Agents.Models;

/// <summary>
/// Several models in order of preference: the next is asked when one fails before its first token with an error that another may not have.
/// That is every error but <see cref="ErrorClass.Permanent"/>, where the request itself is at fault.
/// </summary>
/// <remarks>
/// <para>A model that failed is asked last for a while, so that an outage does not cost every call its time-out: for as long as it asked for
/// (Retry-After), or for <see cref="DefaultRest"/>.</para>
/// <para>When all fail, the error tells what each said. Safe for concurrent use if the clients are. It owns them.</para>
/// </remarks>
public sealed partial class FallbackChatClient : DelegatingChatClient
{
    /// <summary>How long a model that failed is asked last, unless it said: 30 seconds.</summary>
    public static readonly TimeSpan DefaultRest = TimeSpan.FromSeconds(30);

    private readonly IReadOnlyList<IChatClient> _models;
    private readonly long[] _restsUntil;
    private readonly TimeSpan _rest;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Creates the list.</summary>
    /// <param name="models">The models, the preferred first; at least one.</param>
    /// <param name="rest">How long a model that failed is asked last; null for <see cref="DefaultRest"/>, zero for not at all.</param>
    /// <param name="timeProvider">The clock of the rests; null for the system's.</param>
    /// <param name="logger">Where failures are noted; null for nowhere.</param>
    public FallbackChatClient(
        IReadOnlyList<IChatClient> models,
        TimeSpan? rest = null,
        TimeProvider? timeProvider = null,
        ILogger<FallbackChatClient>? logger = null
    )
        : base(First(models))
    {
        _models = [.. models];
        _restsUntil = new long[models.Count];
        _rest = rest ?? DefaultRest;
        _time = timeProvider ?? TimeProvider.System;
        _logger = logger ?? NullLogger<FallbackChatClient>.Instance;
    }

    /// <inheritdoc/>
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var sent = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        return AskAsync(
            (model, own) => model.GetResponseAsync(sent, own, cancellationToken),
            options,
            cancellationToken
        );
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var sent = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var started = await AskAsync(
                (model, own) =>
                    StartedStream.StartAsync(
                        model.GetStreamingResponseAsync(sent, own, cancellationToken),
                        cancellationToken
                    ),
                options,
                cancellationToken
            )
            .ConfigureAwait(false);
        await using (started.ConfigureAwait(false))
        {
            await foreach (var update in started.ReadAsync().ConfigureAwait(false))
            {
                yield return update;
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (var model in disposing ? _models.Skip(1) : [])
        {
            model.Dispose();
        }
    }

    private async Task<T> AskAsync<T>(
        Func<IChatClient, ChatOptions?, Task<T>> ask,
        ChatOptions? options,
        CancellationToken cancellationToken
    )
    {
        List<Exception> failures = [];
        foreach (var i in Order())
        {
            try
            {
                var answer = await ask(_models[i], i == 0 ? options : WithoutModel(options)).ConfigureAwait(false);
                Volatile.Write(ref _restsUntil[i], 0);
                return answer;
            }
            catch (Exception exception)
                when (!cancellationToken.IsCancellationRequested
                    && _models.Count > 1
                    && ModelFailure.ClassOf(exception) != ErrorClass.Permanent
                )
            {
                failures.Add(exception);
                Rest(i, exception);
                LogFailure(i + 1, _models.Count, exception);
            }
        }

        throw Failure(failures);
    }

    /// <summary>Those that rest come last: if all do, one of them may be well again.</summary>
    private List<int> Order()
    {
        var now = _time.GetUtcNow().UtcTicks;
        return [.. Enumerable.Range(0, _models.Count).OrderBy(i => Volatile.Read(ref _restsUntil[i]) > now)];
    }

    private void Rest(int model, Exception failure)
    {
        var rest = (failure as SlipwayException)?.RetryAfter is { } asked && asked > _rest ? asked : _rest;
        Volatile.Write(ref _restsUntil[model], (_time.GetUtcNow() + rest).UtcTicks);
    }

    // The name of a model is another's at another endpoint.
    private static ChatOptions? WithoutModel(ChatOptions? options)
    {
        if (options?.ModelId is null)
        {
            return options;
        }

        var own = options.Clone();
        own.ModelId = null;
        return own;
    }

    private static SlipwayException Failure(List<Exception> failures)
    {
        var first = failures[0];
        var passing = failures.OfType<SlipwayException>().Where(known => known.Class == ErrorClass.Transient).ToList();
        return new(
            passing.Count > 0 ? ErrorClass.Transient : ModelFailure.ClassOf(first) ?? ErrorClass.Permanent,
            $"None of {failures.Count} models answered. {string.Join(" ", failures.Select(ModelFailure.Explain))}",
            (first as SlipwayException)?.Fix,
            new AggregateException(failures)
        )
        {
            RetryAfter = passing.Select(known => known.RetryAfter).Min(),
        };
    }

    private static IChatClient First(IReadOnlyList<IChatClient> models)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentOutOfRangeException.ThrowIfZero(models.Count, nameof(models));
        return models[0];
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Number} of {Count} failed before its first token.")]
    private partial void LogFailure(int number, int count, Exception exception);
}
