using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Slipway.Agents.Models.Internal;

namespace Slipway.Agents.Models;

/// <summary>
/// Ends the wait for a model that says nothing, before its first token and in the middle of its answer: the call is cancelled, and a
/// <see cref="ModelTimeoutException"/> names the setting. The time that the reader takes between two pieces does not count.
/// </summary>
/// <remarks>
/// Safe for concurrent use if the inner client is. It owns the inner client, which must heed cancellation.
/// </remarks>
/// <param name="inner">The model.</param>
/// <param name="timeouts">How long; null for the defaults.</param>
/// <param name="timeProvider">The clock; null for the system's.</param>
public sealed class TimeoutChatClient(
    IChatClient inner,
    ModelTimeouts? timeouts = null,
    TimeProvider? timeProvider = null
) : DelegatingChatClient(inner)
{
    private readonly ModelTimeouts _timeouts = timeouts ?? new();
    private readonly TimeProvider _time = timeProvider ?? TimeProvider.System;

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        using Wait wait = new(_time, cancellationToken);
        return await wait.ForAsync(
                () => InnerClient.GetResponseAsync(messages, options, wait.Token),
                _timeouts.FirstToken,
                _timeouts.FirstTokenFailure
            )
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using Wait wait = new(_time, cancellationToken);
        var started = await wait.ForAsync(
                () =>
                    StartedStream.StartAsync(
                        InnerClient.GetStreamingResponseAsync(messages, options, wait.Token),
                        wait.Token
                    ),
                _timeouts.FirstToken,
                _timeouts.FirstTokenFailure
            )
            .ConfigureAwait(false);
        await using (started.ConfigureAwait(false))
        {
            var updates = started.ReadAsync().GetAsyncEnumerator(CancellationToken.None);
            await using (updates.ConfigureAwait(false))
            {
                while (
                    await wait.ForAsync(
                            () => updates.MoveNextAsync().AsTask(),
                            _timeouts.NextToken,
                            _timeouts.NextTokenFailure
                        )
                        .ConfigureAwait(false)
                )
                {
                    yield return updates.Current;
                }
            }
        }
    }

    /// <summary>The waits of one call, one after the other.</summary>
    private sealed class Wait : IDisposable
    {
        private readonly CancellationToken _caller;
        private readonly CancellationTokenSource _silence;
        private readonly CancellationTokenSource _either;

        public Wait(TimeProvider time, CancellationToken cancellationToken)
        {
            _caller = cancellationToken;
            _silence = new(Timeout.InfiniteTimeSpan, time);
            _either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _silence.Token);
        }

        public CancellationToken Token => _either.Token;

        public async Task<T> ForAsync<T>(Func<Task<T>> next, TimeSpan longest, Func<ModelTimeoutException> failure)
        {
            _silence.CancelAfter(longest);
            try
            {
                return await next().ConfigureAwait(false);
            }
            catch (Exception) when (_silence.IsCancellationRequested && !_caller.IsCancellationRequested)
            {
                throw failure();
            }
            finally
            {
                _silence.CancelAfter(Timeout.InfiniteTimeSpan);
            }
        }

        public void Dispose()
        {
            _either.Dispose();
            _silence.Dispose();
        }
    }
}
