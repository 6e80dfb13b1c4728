namespace Slipway.Hosting.Settings;

/// <summary>A flat environment name that stands for a setting of a section.</summary>
/// <param name="Name">The flat name, such as <c>CHECK_INTERVAL</c>.</param>
/// <param name="Key">The setting, such as <c>Rag:Interval</c>.</param>
/// <param name="Convert">From the flat name's value to the setting's; null when the value says nothing about the setting.</param>
internal sealed record Alias(string Name, string Key, Func<string, string?>? Convert = null)
{
    /// <summary>Every alias. Where two stand for one setting, the first that has a value is taken.</summary>
    public static IReadOnlyList<Alias> All { get; } =
    [
        new("LLM_PROVIDER", "Agent:Model:Provider"),
        new("LLM_BASE_URL", "Agent:Model:BaseUrl"),
        new("LLM_API_KEY", "Agent:Model:ApiKey"),
        new("LLM_CHOICE", "Agent:Model:Model"),
        new("EMBEDDING_PROVIDER", "Rag:Embedding:Provider"),
        new("EMBEDDING_BASE_URL", "Rag:Embedding:BaseUrl"),
        new("EMBEDDING_API_KEY", "Rag:Embedding:ApiKey"),
        new("EMBEDDING_MODEL_CHOICE", "Rag:Embedding:Model"),
        new("RAG_WATCH_DIRECTORY", "Rag:Folder"),
        new("CHECK_INTERVAL", "Rag:Interval"),
        new("RUN_MODE", "Rag:RunMode"),
        new("RAG_PIPELINE_TYPE", "Rag:Pipeline"),
        new("RAG_PIPELINE_ID", "Rag:FolderName"),
        new("DATABASE_URL", "Storage:Path", SqlitePath),
        new("DATABASE_URL", "Storage:ConnectionString", ServerConnection),
        new("SUPABASE_JWT_SECRET", "Auth:Secret"),
        // What a Supabase project's tokens say; see https://supabase.com/docs/guides/auth/jwts
        new("SUPABASE_URL", "Auth:Issuer", url => url.TrimEnd('/') + "/auth/v1"),
        new("SUPABASE_URL", "Auth:JwksUrl", url => url.TrimEnd('/') + "/auth/v1/.well-known/jwks.json"),
        new("SUPABASE_URL", "Auth:UserEndpoint", url => url.TrimEnd('/') + "/auth/v1/user"),
        new("SUPABASE_SERVICE_KEY", "Auth:UserEndpointKey"),
        new("SUPABASE_URL", "Auth:Audience", _ => "authenticated"),
        new("SUPABASE_JWT_SECRET", "Auth:Audience", _ => "authenticated"),
    ];

    /// <summary><c>sqlite:///absolute</c>, <c>sqlite://relative</c>, <c>file:path</c> or a path; a URL of a server is none.</summary>
    private static string? SqlitePath(string url)
    {
        foreach (var prefix in (ReadOnlySpan<string>)["sqlite://", "sqlite:", "file://", "file:"])
        {
            if (url.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            {
                return Uri.UnescapeDataString(url[prefix.Length..]);
            }
        }

        return url.Contains("://", StringComparison.Ordinal) || url.Contains('=', StringComparison.Ordinal)
            ? null
            : url;
    }

    /// <summary>A URL of a PostgreSQL server or <c>Key=Value;…</c>; a file's name is none.</summary>
    private static string? ServerConnection(string url) =>
        url.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
        || url.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase)
        || (
            !url.Contains("://", StringComparison.Ordinal)
            && url.Contains('=', StringComparison.Ordinal)
            && SqlitePath(url) is null
        )
            ? url
            : null;
}
