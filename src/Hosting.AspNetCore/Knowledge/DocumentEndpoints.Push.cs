using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Rag.Ingestion;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Knowledge;

public static partial class DocumentEndpoints
{
    /// <summary>
    /// Accepts documents: each is in the database when 202 says so. An admin's are for everyone in the tenant, unless <c>principals</c> says
    /// who; another user's are for that user alone and cannot take the place of anybody else's.
    /// </summary>
    private static async Task<IResult> PushAsync(
        HttpContext context,
        DocumentInbox inbox,
        IDocumentStore documents,
        string? name,
        string? title,
        string? uri,
        [FromQuery] string[]? principals
    )
    {
        try
        {
            var principal = await context.GetPrincipalWithRoleAsync().ConfigureAwait(false);
            CheckRights(principal, principals);
            var readers = principal.IsAdmin ? principals : [UserName(principal)];
            List<string> ids = [];
            await foreach (var (content, document) in FilesAsync(context, name, title, uri).ConfigureAwait(false))
            {
                var owned = principal.IsAdmin
                    ? document
                    : document with
                    {
                        ExternalId = OwnPrefix(principal) + document.Name,
                    };
                ids.Add(await inbox.AddAsync(content, owned, readers, context.RequestAborted).ConfigureAwait(false));
            }

            List<DocumentView> accepted = [];
            foreach (var id in ids)
            {
                // The caller may have granted it to others only; then there is nothing to show.
                var document = await documents.FindAsync(principal, id, context.RequestAborted).ConfigureAwait(false);
                if (document is not null)
                {
                    accepted.Add(DocumentView.From(document));
                }
            }

            return Json.Result(
                new DocumentList(accepted, null),
                KnowledgeJsonContext.Default.DocumentList,
                StatusCodes.Status202Accepted
            );
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            var limits = context.RequestServices.GetRequiredService<IOptions<LimitsOptions>>().Value;
            throw Problem.TooLarge(limits.MaxDocumentBytes, "Limits:MaxDocumentBytes").ToException();
        }
    }

    private static async IAsyncEnumerable<(Stream Content, PushedDocument Document)> FilesAsync(
        HttpContext context,
        string? name,
        string? title,
        string? uri
    )
    {
        var request = context.Request;
        if (!request.HasFormContentType)
        {
            if (string.IsNullOrWhiteSpace(name))
            {
                throw Problem
                    .Invalid("'name' is missing: the document's name with extension, as in ?name=notes.md.")
                    .ToException();
            }

            var type = MediaTypeHeaderValue.TryParse(request.ContentType, out var parsed) ? parsed.MediaType : null;
            yield return (
                request.Body,
                new PushedDocument(name)
                {
                    Title = title,
                    Uri = uri,
                    MediaType = Certain(type),
                }
            );
            yield break;
        }

        var form = await request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        if (form.Files.Count == 0)
        {
            throw Problem.Invalid("The form holds no file.").ToException();
        }

        foreach (var file in form.Files)
        {
            // A form's types are the browser's guesses by extension; name and content decide better.
            var content = file.OpenReadStream();
            await using var _ = content.ConfigureAwait(false);
            yield return (content, new PushedDocument(file.FileName) { Title = title, Uri = uri });
        }
    }

    private static void CheckRights(Principal principal, string[]? principals)
    {
        if (principal.Tenant != Principal.DefaultTenant)
        {
            throw new Problem(
                StatusCodes.Status403Forbidden,
                $"Documents can be pushed to tenant '{Principal.DefaultTenant}' only, and you are of '{principal.Tenant}'."
            ).ToException();
        }

        if (!principal.IsAdmin && principals is { Length: > 0 } && principals.Any(name => name != UserName(principal)))
        {
            throw new Problem(
                StatusCodes.Status403Forbidden,
                "Only an admin says who may read a document."
            ).ToException();
        }
    }

    private static string UserName(Principal principal) => "user:" + principal.Id;

    private static string OwnPrefix(Principal principal) => UserName(principal) + "/";

    /// <summary>Types that clients send without knowing say nothing.</summary>
    private static string? Certain(string? mediaType) =>
        mediaType?.ToLowerInvariant()
            is { } type
                and not ("application/octet-stream" or "application/x-www-form-urlencoded")
            ? type
            : null;

    private static async Task<IResult> DeleteAsync(
        HttpContext context,
        DocumentInbox inbox,
        IDocumentStore documents,
        string id
    )
    {
        var document = await FindOrThrowAsync(context, documents, id).ConfigureAwait(false);
        var principal = await context.GetPrincipalWithRoleAsync().ConfigureAwait(false);
        if (!principal.IsAdmin && !document.ExternalId.StartsWith(OwnPrefix(principal), StringComparison.Ordinal))
        {
            throw new Problem(
                StatusCodes.Status403Forbidden,
                $"'{document.Name}' is not yours; an admin can delete it."
            ).ToException();
        }

        if (!await inbox.DeleteAsync(principal, id, context.RequestAborted).ConfigureAwait(false))
        {
            throw new Problem(
                StatusCodes.Status409Conflict,
                $"'{document.Name}' is listed by the source '{document.Source}' and would come back. Delete it there."
            ).ToException();
        }

        return TypedResults.NoContent();
    }
}
