using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Slipway.Agents.Conversations;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Conversations;

public static partial class ConversationEndpoints
{
    // What a browser shows without running anything in it. An SVG or a page would run its scripts with the origin of the API.
    private static readonly string[] ShownInPlace =
    [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "audio/mpeg",
        "audio/wav",
    ];

    private static async Task<IResult> AttachmentAsync(
        HttpContext context,
        IAttachmentStore attachments,
        string id,
        string attachment
    )
    {
        id = PathText.Decode(context, id);
        var found =
            await attachments
                .FindAsync(context.GetPrincipal(), id, attachment, context.RequestAborted)
                .ConfigureAwait(false)
            ?? throw Problem.NotFound("attachment", attachment).ToException();
        var shown = ShownInPlace.Contains(found.MediaType, StringComparer.OrdinalIgnoreCase);
        var disposition = new ContentDispositionHeaderValue(shown ? "inline" : "attachment");
        if (found.Name is not null)
        {
            disposition.SetHttpFileName(found.Name);
        }

        var headers = context.Response.Headers;
        headers.ContentDisposition = disposition.ToString();
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        headers.CacheControl = "private, max-age=86400, immutable"; // the id names the bytes
        var bytes =
            await attachments
                .ReadAsync(context.GetPrincipal(), id, attachment, context.RequestAborted)
                .ConfigureAwait(false)
            ?? throw Problem.NotFound("attachment", attachment).ToException();
        return Results.Bytes(
            bytes,
            MediaTypeHeaderValue.TryParse(found.MediaType, out _) ? found.MediaType : "application/octet-stream",
            entityTag: new EntityTagHeaderValue($"\"{found.Id}\"")
        );
    }
}
