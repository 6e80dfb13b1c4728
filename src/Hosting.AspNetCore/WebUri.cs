namespace Slipway.Hosting;

internal static class WebUri
{
    /// <summary>Only what a browser may open: the path of a local file is nobody's business outside.</summary>
    public static string? OrNull(string? uri) =>
        Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" ? uri : null;
}
