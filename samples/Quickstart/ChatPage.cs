namespace Quickstart;

/// <summary>The chat page: static files that may load nothing from elsewhere and run no inline script.</summary>
internal static class ChatPage
{
    private const string Policy =
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public static void UseChatPage(this WebApplication app)
    {
        app.UseDefaultFiles();
        app.UseStaticFiles(
            new StaticFileOptions
            {
                OnPrepareResponse = file =>
                {
                    file.Context.Response.Headers.ContentSecurityPolicy = Policy;
                    file.Context.Response.Headers.XContentTypeOptions = "nosniff";
                    file.Context.Response.Headers.CacheControl = "no-cache";
                },
            }
        );
    }
}
