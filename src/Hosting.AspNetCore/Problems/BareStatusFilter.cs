using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Slipway.Hosting.Auth;

namespace Slipway.Hosting.Problems;

/// <summary>
/// Around everything: what the framework answers with a bare status (an unknown route, a missing token, a wrong method) gets a body, and
/// pages of other origins are let in or not.
/// </summary>
internal sealed class BareStatusFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) =>
        app =>
        {
            app.UseCors(AuthServiceCollectionExtensions.Scheme);
            app.UseStatusCodePages(context => WriteAsync(context.HttpContext));
            next(app);
        };

    private static Task WriteAsync(HttpContext context)
    {
        // Routing's own answers (405, 415) are endpoints too, but not of a route.
        if (context.GetEndpoint() is RouteEndpoint endpoint && endpoint.Metadata.GetMetadata<SlipwayEndpoint>() is null)
        {
            return Task.CompletedTask; // the application's own
        }

        var status = context.Response.StatusCode;
        var detail = status switch
        {
            StatusCodes.Status401Unauthorized => "This needs a valid bearer token. "
                + context.Response.Headers.WWWAuthenticate,
            StatusCodes.Status403Forbidden => context.FindRefusal(context.User)
                ?? "The token is valid, but does not give the right to this.",
            StatusCodes.Status404NotFound => $"There is nothing at '{context.Request.Path}'.",
            StatusCodes.Status405MethodNotAllowed =>
                $"'{context.Request.Path}' does not take {context.Request.Method}.",
            StatusCodes.Status415UnsupportedMediaType =>
                "The body's content type is not accepted; send application/json.",
            StatusCodes.Status503ServiceUnavailable =>
                "Whether the token is good cannot be checked at the moment; the server's log has the cause. Try again.",
            _ => ReasonPhrases.GetReasonPhrase(status),
        };
        return new Problem(status, detail.TrimEnd()).WriteAsync(context);
    }
}
