namespace Slipway.Identity;

/// <summary>What an API key may be allowed. None includes another.</summary>
public static class ApiKeyScopes
{
    /// <summary>Ask the agent, by chat or completions, and use the own conversations.</summary>
    public const string Chat = "chat";

    /// <summary>Search, list and read documents.</summary>
    public const string ReadDocuments = "documents:read";

    /// <summary>Push and delete documents.</summary>
    public const string WriteDocuments = "documents:write";

    /// <summary>Everything under <c>/api/admin</c>, and the admin role elsewhere.</summary>
    public const string Admin = "admin";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Chat, ReadDocuments, WriteDocuments, Admin];
}
