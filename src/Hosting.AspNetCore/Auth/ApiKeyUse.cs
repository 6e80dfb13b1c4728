using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Slipway.Identity;

namespace Slipway.Hosting.Auth;

/// <summary>Notes when keys are used: once a minute each, and never at a caller's expense.</summary>
internal sealed partial class ApiKeyUse(TimeProvider time, ILogger<ApiKeyUse> logger)
{
    private static readonly TimeSpan AtMostEvery = TimeSpan.FromMinutes(1);

    // The store keeps to the minute as well; this keeps a thousand calls of one moment from asking it a thousand times.
    private readonly ConcurrentDictionary<string, DateTimeOffset> _noted = new(StringComparer.Ordinal);

    public async Task MarkAsync(IApiKeyStore keys, ApiKey key, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var last = _noted.GetValueOrDefault(key.Id);
        if (
            now - last < AtMostEvery
            || now - key.LastUsedAt < AtMostEvery
            || !(last == default ? _noted.TryAdd(key.Id, now) : _noted.TryUpdate(key.Id, now, last))
        )
        {
            return;
        }

        try
        {
            await keys.MarkUsedAsync(key, AtMostEvery, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotNoted(key.Id, exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "That the API key {Key} was used could not be noted.")]
    private partial void LogNotNoted(string key, Exception exception);
}
