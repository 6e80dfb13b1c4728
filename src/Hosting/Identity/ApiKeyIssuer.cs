using Slipway.Identity;

namespace Slipway.Hosting.Identity;

/// <summary>Makes keys. Their text is in the answer and nowhere else.</summary>
internal sealed class ApiKeyIssuer(IApiKeyStore keys, TimeProvider time)
{
    /// <summary>How long a key that was rotated goes on unless said otherwise: time to bring the new one to every machine.</summary>
    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromDays(1);

    private const int MaxLength = 200;

    /// <exception cref="SlipwayException">Something about the key cannot be: which, and what can.</exception>
    public async Task<IssuedKey> CreateAsync(
        Principal owner,
        string? name,
        IReadOnlyList<string>? scopes,
        DateTimeOffset? expiresAt,
        CancellationToken cancellationToken
    )
    {
        Check("user", owner.Id);
        Check("name", name);
        if (scopes is not { Count: > 0 } || scopes.Any(scope => !ApiKeyScopes.All.Contains(scope)))
        {
            throw Wrong(
                $"A key cannot have the scopes '{string.Join(", ", scopes ?? [])}'.",
                $"Give one or more of {string.Join(", ", ApiKeyScopes.All)}."
            );
        }

        var now = time.GetUtcNow();
        if (expiresAt <= now)
        {
            throw Wrong($"The key would end at {expiresAt:u}, which is past.", "Give a later time, or none.");
        }

        var (id, text) = ApiKeyText.Create();
        var key = new ApiKey
        {
            Id = id,
            Tenant = owner.Tenant,
            UserId = owner.Id,
            Name = name!,
            Scopes = [.. scopes.Distinct(StringComparer.Ordinal)],
            CreatedAt = now,
            ExpiresAt = expiresAt,
        };
        await keys.AddAsync(key, ApiKeyText.Hash(text), cancellationToken).ConfigureAwait(false);
        return new IssuedKey(key, text);
    }

    /// <summary>
    /// A new key in place of an old one, which goes on for <paramref name="overlap"/>. Without an end of its own the new key
    /// lives as long as the old one was meant to.
    /// </summary>
    /// <returns>Null when the tenant has no active key of that id.</returns>
    public async Task<IssuedKey?> RotateAsync(
        string tenant,
        string id,
        TimeSpan? overlap,
        DateTimeOffset? expiresAt,
        CancellationToken cancellationToken
    )
    {
        if (overlap < TimeSpan.Zero)
        {
            throw Wrong("The old key cannot end before now.", "Give an overlap of zero or more.");
        }

        var now = time.GetUtcNow();
        if (expiresAt <= now)
        {
            throw Wrong($"The new key would end at {expiresAt:u}, which is past.", "Give a later time, or none.");
        }

        var (newId, text) = ApiKeyText.Create();
        var key = await keys.RotateAsync(
                tenant,
                id,
                newId,
                ApiKeyText.Hash(text),
                now + (overlap ?? DefaultOverlap),
                expiresAt,
                cancellationToken
            )
            .ConfigureAwait(false);
        return key is null ? null : new IssuedKey(key, text);
    }

    private static void Check(string what, string? value)
    {
        if (string.IsNullOrWhiteSpace(value) || value.Length > MaxLength || value.Any(char.IsControl))
        {
            throw Wrong(
                $"A key needs a {what}, and '{value}' cannot be one.",
                $"Give 1 to {MaxLength} characters without control characters."
            );
        }
    }

    private static SlipwayException Wrong(string message, string fix) => new(ErrorClass.Permanent, message, fix);
}

/// <summary>A key that was just made.</summary>
/// <param name="Key">What is stored of it.</param>
/// <param name="Text">The key itself, which nobody can be shown again.</param>
internal sealed record IssuedKey(ApiKey Key, string Text);
