using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Hosting.Models.Internal;

/// <summary>An endpoint's model: what fails there is said in our words.</summary>
internal sealed class EndpointChatClient(IChatClient inner, ModelEndpoint endpoint, HttpClient connections)
    : DelegatingChatClient(inner)
{
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => DescribedAsync(() => base.GetResponseAsync(messages, options, cancellationToken), cancellationToken);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            var any = false;
            while (
                await DescribedAsync(() => updates.MoveNextAsync().AsTask(), cancellationToken).ConfigureAwait(false)
            )
            {
                any = true;
                yield return updates.Current;
            }

            if (!any)
            {
                throw endpoint.NotUnderstood(); // a page of HTML is an event stream without events
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            connections.Dispose();
        }
    }

    private async Task<T> DescribedAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception exception)
        {
            throw endpoint.Describe(exception);
        }
    }
}
