using Slipway.Rag.Storage;

namespace Slipway.Storage.Postgres.Internal;

/// <summary>Which documents a principal may read, as a condition of each statement that reads one.</summary>
internal static class PostgresAccess
{
    /// <summary>Over a row <c>d</c> of <c>documents</c>: $1 is the tenant, $2 the principal's access names.</summary>
    public const string Visible = """
        d.tenant = $1 and (
            not exists (select from slipway.document_principals p where p.document_id = d.id)
            or exists (select from slipway.document_principals p where p.document_id = d.id and p.principal = any($2)))
        """;

    /// <summary>What a grant can be compared with: a name that no database holds was granted to nobody.</summary>
    public static string[] Names(Principal principal) => [.. principal.AccessNames.Where(CanBeStored)];

    /// <summary>Whether a text may stand in the database at all; one that may not is found nowhere.</summary>
    public static bool CanBeStored(string text) => ReferenceEquals(StorableText.Of(text), text);
}
