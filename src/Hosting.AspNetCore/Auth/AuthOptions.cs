namespace Slipway.Hosting.Auth;

/// <summary>
/// Who may call: section <c>Auth</c>. With <see cref="Authority"/>, <see cref="JwksUrl"/>, <see cref="Secret"/>, <see cref="UserEndpoint"/>
/// or <see cref="ApiKeys"/> every call but health needs a bearer token (JWT or API key). With none of them only development works: one
/// local user, on loopback.
/// </summary>
public sealed record AuthOptions
{
    /// <summary>Issuer with OpenID Connect discovery, such as <c>https://login.example.com/</c>. Its keys are found and renewed.</summary>
    public Uri? Authority { get; set; }

    /// <summary>Address of a JSON Web Key Set, for issuers without discovery. Alias <c>SUPABASE_URL</c>, where there is no secret.</summary>
    public Uri? JwksUrl { get; set; }

    /// <summary>Shared secret of HS256 tokens, at least 32 bytes. Alias <c>SUPABASE_JWT_SECRET</c>; may come from <c>…_FILE</c>.</summary>
    public string? Secret { get; set; }

    /// <summary>
    /// Address that says whose a bearer token is, such as <c>https://PROJECT.supabase.co/auth/v1/user</c>: it is asked with each new token,
    /// and its answer is believed for 30 seconds. Alias <c>SUPABASE_URL</c>, where there is a <see cref="UserEndpointKey"/> and no secret.
    /// </summary>
    public Uri? UserEndpoint { get; set; }

    /// <summary>
    /// What <see cref="UserEndpoint"/> is asked with, as the header <c>apikey</c>. Alias <c>SUPABASE_SERVICE_KEY</c>; may come from <c>…_FILE</c>.
    /// </summary>
    public string? UserEndpointKey { get; set; }

    /// <summary>
    /// Whether machines may call with API keys, beside tokens or alone. Default false. Keys are made by the verb <c>keys</c> and by admins at
    /// <c>/api/admin/keys</c>.
    /// </summary>
    public bool ApiKeys { get; set; }

    /// <summary>Accepted <c>iss</c>. Not needed with <see cref="Authority"/>, which says it itself. Null accepts any with the right key.</summary>
    public string? Issuer { get; set; }

    /// <summary>
    /// Accepted <c>aud</c>. Needed with <see cref="Authority"/> and <see cref="JwksUrl"/>, whose keys sign tokens for other applications
    /// too. Null accepts any that was signed with <see cref="Secret"/>.
    /// </summary>
    public string? Audience { get; set; }

    /// <summary>Claim that names the tenant. Null: everyone is in tenant <c>default</c>.</summary>
    public string? TenantClaim { get; set; }

    /// <summary>
    /// Claim that lists roles. Default <c>roles</c>. Dots lead into claims that are objects: <c>app_metadata.roles</c> on Supabase,
    /// <c>realm_access.roles</c> on Keycloak. Name none that users may write themselves, such as <c>user_metadata</c>.
    /// </summary>
    public string RoleClaim { get; set; } = "roles";

    /// <summary>The role that opens the admin surface. Default <c>admin</c>.</summary>
    public string AdminRole { get; set; } = "admin";

    /// <summary>Claim that lists groups, by which documents grant access. Default <c>groups</c>; dots as in <see cref="RoleClaim"/>.</summary>
    public string GroupClaim { get; set; } = "groups";

    /// <summary>
    /// Origins of web pages on other hosts that may call (CORS), such as <c>https://app.example.com</c>. Default none; development without
    /// tokens accepts pages on loopback.
    /// </summary>
    public IReadOnlyList<string> AllowedOrigins { get; set; } = [];

    /// <summary>Whether people prove who they are with tokens.</summary>
    internal bool UsesTokens =>
        Authority is not null || JwksUrl is not null || Secret is not null || UserEndpoint is not null;

    /// <summary>Whether callers prove who they are at all.</summary>
    internal bool IsSet => UsesTokens || ApiKeys;
}
