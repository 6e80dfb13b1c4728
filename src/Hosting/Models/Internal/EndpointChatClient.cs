using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Hosting.Models.Internal;

/// <summary>An endpoint's model: silence ends, and what fails is said in our words.</summary>
internal sealed class EndpointChatClient(IChatClient inner, ModelEndpoint endpoint, HttpClient connections)
    : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        using Silence silence = new(endpoint, cancellationToken);
        return await silence
            .WatchAsync(() => base.GetResponseAsync(messages, options, silence.Token))
            .ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using Silence silence = new(endpoint, cancellationToken);
        var updates = base.GetStreamingResponseAsync(messages, options, silence.Token)
            .GetAsyncEnumerator(silence.Token);
        await using (updates.ConfigureAwait(false))
        {
            var any = false;
            while (await silence.WatchAsync(() => updates.MoveNextAsync().AsTask()).ConfigureAwait(false))
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
}
