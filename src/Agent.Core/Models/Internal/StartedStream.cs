using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Models.Internal;

/// <summary>A streamed answer that has reached its first token. Until then nothing was said, and the call could be made anew.</summary>
internal sealed class StartedStream : IAsyncDisposable
{
    private readonly List<ChatResponseUpdate> _held;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _rest;
    private readonly bool _ended;

    private StartedStream(List<ChatResponseUpdate> held, IAsyncEnumerator<ChatResponseUpdate> rest, bool ended)
    {
        _held = held;
        _rest = rest;
        _ended = ended;
    }

    /// <summary>Reads up to the first token, or to the end of an answer that has none.</summary>
    public static async Task<StartedStream> StartAsync(
        IAsyncEnumerable<ChatResponseUpdate> stream,
        CancellationToken cancellationToken
    )
    {
        var updates = stream.GetAsyncEnumerator(cancellationToken);
        List<ChatResponseUpdate> held = [];
        try
        {
            while (await updates.MoveNextAsync().ConfigureAwait(false))
            {
                held.Add(updates.Current);
                if (updates.Current.Contents.Any(IsToken))
                {
                    return new(held, updates, ended: false);
                }
            }

            return new(held, updates, ended: true);
        }
        catch
        {
            await updates.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The whole answer from its beginning, once.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync()
    {
        foreach (var update in _held)
        {
            yield return update;
        }

        while (!_ended && await _rest.MoveNextAsync().ConfigureAwait(false))
        {
            yield return _rest.Current;
        }
    }

    public ValueTask DisposeAsync() => _rest.DisposeAsync();

    // Providers begin with the role and an empty text, before the model has done anything.
    private static bool IsToken(AIContent content) =>
        content switch
        {
            UsageContent => false,
            TextContent text => text.Text.Length > 0,
            TextReasoningContent reasoning => reasoning.Text.Length > 0 || reasoning.ProtectedData is not null,
            _ => true,
        };
}
