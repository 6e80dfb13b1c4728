using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Hosting.Models;

/// <summary>How the model answered last. It is watched, not asked: a health check must not cost tokens.</summary>
internal sealed class ModelHealth(TimeProvider timeProvider)
{
    /// <summary>An outage that nobody has met for this long may be over.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(5);

    private string? _failure;
    private DateTimeOffset _at;

    /// <summary>What the last call failed with, if it failed and not long ago.</summary>
    public string? Failure => _failure is not null && timeProvider.GetUtcNow() - _at < Memory ? _failure : null;

    public void Note(Exception? failure)
    {
        _at = timeProvider.GetUtcNow();
        _failure = failure?.Message;
    }
}

/// <summary>Tells <see cref="ModelHealth"/> how calls end.</summary>
internal sealed class WatchedChatClient(IChatClient inner, ModelHealth health) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            var response = await base.GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
            health.Note(null);
            return response;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            health.Note(exception);
            throw;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        await using var _ = updates.ConfigureAwait(false);
        while (true)
        {
            try
            {
                if (!await updates.MoveNextAsync().ConfigureAwait(false))
                {
                    health.Note(null);
                    yield break;
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                health.Note(exception);
                throw;
            }

            yield return updates.Current;
        }
    }
}
