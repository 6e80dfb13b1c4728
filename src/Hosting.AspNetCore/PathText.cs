using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Slipway.Hosting;

internal static class PathText
{
    /// <summary>
    /// A value of the route as the client meant it. Servers leave <c>%2F</c> in a path as it is, and so give "a/b" and "a%2Fb" as one text; the
    /// request's own line tells them apart.
    /// </summary>
    public static string Decode(HttpContext context, string value)
    {
        if (!value.Contains("%2F", StringComparison.OrdinalIgnoreCase))
        {
            return value;
        }

        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var segment = target
            .Split('?')[0]
            .Split('/')
            .FirstOrDefault(segment =>
                Uri.UnescapeDataString(
                    segment
                        .Replace("%2F", "%252F", StringComparison.Ordinal)
                        .Replace("%2f", "%252f", StringComparison.Ordinal)
                ) == value
            );
        return segment is null ? value : Uri.UnescapeDataString(segment);
    }
}
