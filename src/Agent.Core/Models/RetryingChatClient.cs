using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Slipway.Agents.Models.Internal;

namespace Slipway.Agents.Models;

/// <summary>
/// Makes a call again that failed for the moment (429, 5xx, a broken connection), as long as nothing was said: an answer that has begun is
/// never begun again.
/// </summary>
/// <remarks>Safe for concurrent use if the inner client is. It owns the inner client. An inner client must not retry by itself.</remarks>
/// <param name="inner">The model.</param>
/// <param name="options">How often and when; null for the defaults.</param>
/// <param name="timeProvider">The clock of the waits; null for the system's.</param>
/// <param name="logger">Where retries are noted; null for nowhere.</param>
public sealed partial class RetryingChatClient(
    IChatClient inner,
    RetryOptions? options = null,
    TimeProvider? timeProvider = null,
    ILogger<RetryingChatClient>? logger = null
) : DelegatingChatClient(inner)
{
    private readonly RetryOptions _options = options ?? new();
    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;
    private readonly ILogger _logger = logger ?? NullLogger<RetryingChatClient>.Instance;

    /// <inheritdoc/>
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var sent = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        return RetryAsync(() => InnerClient.GetResponseAsync(sent, options, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var sent = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var started = await RetryAsync(
                () =>
                    StartedStream.StartAsync(
                        InnerClient.GetStreamingResponseAsync(sent, options, cancellationToken),
                        cancellationToken
                    ),
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

    private async Task<T> RetryAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        for (var retry = 1; ; retry++)
        {
            TimeSpan wait;
            try
            {
                return await call().ConfigureAwait(false);
            }
            catch (Exception exception)
                when (!cancellationToken.IsCancellationRequested
                    && retry <= _options.MaxRetries
                    && MayPass(exception)
                    && WaitFor(exception, retry) <= _options.MaxDelay
                )
            {
                wait = WaitFor(exception, retry);
                LogRetry(retry, _options.MaxRetries, wait, exception);
            }

            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool MayPass(Exception exception) =>
        exception is not ModelTimeoutException
        && (_options.ShouldRetry?.Invoke(exception) ?? ModelFailure.ClassOf(exception) == ErrorClass.Transient);

    private TimeSpan WaitFor(Exception exception, int retry)
    {
        var longest = Math.Min(
            _options.BaseDelay.TotalMilliseconds * Math.Pow(2, retry - 1),
            _options.MaxDelay.TotalMilliseconds
        );
        var backOff = TimeSpan.FromMilliseconds(longest * (0.5 + Random.Shared.NextDouble() / 2));
        return exception is SlipwayException { RetryAfter: { } asked } && asked > backOff ? asked : backOff;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The model failed; retry {Retry} of {MaxRetries} after {Wait}.")]
    private partial void LogRetry(int retry, int maxRetries, TimeSpan wait, Exception exception);
}
