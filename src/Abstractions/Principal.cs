namespace Slipway;

/// <summary>Who asks. Every read of knowledge and every conversation is bound to one.</summary>
/// <remarks>Immutable and safe to share between threads.</remarks>
/// <param name="Tenant">The tenant that owns the data; nothing crosses tenants.</param>
/// <param name="Id">The user, unique within the tenant.</param>
public sealed record Principal(string Tenant, string Id)
{
    /// <summary>The tenant that is used where none is named: <c>default</c>.</summary>
    public const string DefaultTenant = "default";

    /// <summary>The single user of development mode: <c>local</c> in tenant <c>default</c>.</summary>
    public static Principal Local { get; } = new(DefaultTenant, "local") { IsAdmin = true };

    /// <summary>Groups the user belongs to, by name. Empty by default.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Whether the admin surface is open to this user. It does not open other people's conversations.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>
    /// The names by which documents grant access: <c>user:ID</c> and <c>group:NAME</c> for each group.
    /// A document without grants is readable by everyone in its tenant.
    /// </summary>
    public IEnumerable<string> AccessNames => Groups.Select(group => "group:" + group).Prepend("user:" + Id);
}
