using System.ClientModel.Primitives;

namespace Slipway.Hosting.Models.Internal;

/// <summary>
/// The client library's own retries (408, 429, 5xx, broken connections, with its back-off and Retry-After), on our clock: those of
/// embeddings. A language model's are <see cref="Slipway.Agents.Models.RetryingChatClient"/>'s, which knows its first token.
/// </summary>
internal sealed class EndpointRetryPolicy(ModelEndpoint endpoint) : ClientRetryPolicy(endpoint.Options.MaxRetries)
{
    // A caller waits for the answer: an endpoint that wants more patience than this gets none.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    protected override bool ShouldRetry(PipelineMessage message, Exception? exception) =>
        IsWorthWaiting(message) && base.ShouldRetry(message, exception);

    protected override async ValueTask<bool> ShouldRetryAsync(PipelineMessage message, Exception? exception) =>
        IsWorthWaiting(message) && await base.ShouldRetryAsync(message, exception).ConfigureAwait(false);

    protected override Task WaitAsync(TimeSpan time, CancellationToken cancellationToken) =>
        Task.Delay(time, endpoint.Time, cancellationToken);

    private bool IsWorthWaiting(PipelineMessage message) =>
        endpoint.RetryAfter(message.Response) is not { } wait || wait <= LongestWait;
}
