namespace Slipway.Agents.Conversations;

/// <summary>What a conversation's id may be.</summary>
public static class ConversationId
{
    /// <summary>The longest id: 200 characters.</summary>
    public const int MaxLength = 200;

    /// <summary>A new id.</summary>
    public static string Create() => Guid.CreateVersion7().ToString("N");

    /// <summary>Whether a client's id can be used: it must be safe as a segment of a URL path and as text in every store.</summary>
    public static bool IsValid(string? id) =>
        id is { Length: > 0 and <= MaxLength } and not ("." or "..")
        && !id.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    /// <summary>Refuses an id that cannot be used.</summary>
    /// <exception cref="SlipwayException">The id is empty, too long, <c>.</c>, <c>..</c>, or has characters that are not accepted.</exception>
    public static void ThrowIfInvalid(string? id)
    {
        if (!IsValid(id))
        {
            throw new SlipwayException(
                ErrorClass.Permanent,
                "The conversation's id cannot be used.",
                $"Send 1 to {MaxLength} characters without control characters, other than '.' and '..'."
            );
        }
    }
}
