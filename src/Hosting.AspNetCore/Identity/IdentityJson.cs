using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Identity;

namespace Slipway.Hosting.Identity;

/// <summary>The caller.</summary>
internal sealed record CallerView
{
    public required string Id { get; init; }

    public required string Tenant { get; init; }

    public string? DisplayName { get; init; }

    public string? Email { get; init; }

    public required bool IsAdmin { get; init; }

    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>What the API key may do that was called with; absent for people, who may do everything that is theirs.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }
}

/// <summary>What callers may change of themselves.</summary>
internal sealed record CallerChange(string? DisplayName);

/// <summary>A key without its secret.</summary>
internal sealed record ApiKeyView
{
    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string Name { get; init; }

    public required IReadOnlyList<string> Scopes { get; init; }

    public required bool Active { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? LastUsedAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public static ApiKeyView From(ApiKey key, DateTimeOffset now) =>
        new()
        {
            Id = key.Id,
            UserId = key.UserId,
            Name = key.Name,
            Scopes = key.Scopes,
            Active = key.IsActive(now),
            CreatedAt = key.CreatedAt,
            ExpiresAt = key.ExpiresAt,
            LastUsedAt = key.LastUsedAt,
            RevokedAt = key.RevokedAt,
        };
}

/// <summary>A page of keys.</summary>
/// <param name="Keys">By id.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; absent on the last.</param>
internal sealed record ApiKeyList(IReadOnlyList<ApiKeyView> Keys, string? Next);

/// <summary>A key to make.</summary>
/// <param name="UserId">Who it acts as.</param>
/// <param name="Name">What it is for.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="ExpiresAt">Its end; null for none.</param>
internal sealed record ApiKeyRequest(
    string? UserId,
    string? Name,
    IReadOnlyList<string>? Scopes,
    DateTimeOffset? ExpiresAt = null
);

/// <summary>How to replace a key.</summary>
/// <param name="OverlapSeconds">How long the old one goes on; null for a day.</param>
/// <param name="ExpiresAt">The new one's end; null for a life as long as the old one's.</param>
internal sealed record ApiKeyRotation(double? OverlapSeconds = null, DateTimeOffset? ExpiresAt = null);

/// <summary>A key that was just made.</summary>
/// <param name="Secret">The key itself. It is shown this once.</param>
/// <param name="Key">What is stored of it.</param>
internal sealed record ApiKeyCreated(string Secret, ApiKeyView Key);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CallerView))]
[JsonSerializable(typeof(CallerChange))]
[JsonSerializable(typeof(ApiKeyList))]
[JsonSerializable(typeof(ApiKeyRequest))]
[JsonSerializable(typeof(ApiKeyRotation))]
[JsonSerializable(typeof(ApiKeyCreated))]
internal sealed partial class IdentityJsonContext : JsonSerializerContext;
