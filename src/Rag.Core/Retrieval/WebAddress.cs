namespace Slipway.Rag.Retrieval;

/// <summary>
/// What tools and endpoints tell of where an original lies. The ledger keeps the place of a local file; a path of this machine means nothing
/// elsewhere, and is nobody's business.
/// </summary>
internal static class WebAddress
{
    public static string? OrNull(string? uri) =>
        System.Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" ? uri : null;
}
