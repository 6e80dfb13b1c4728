using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Identity;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Knowledge;

/// <summary>The documents that answers come from.</summary>
public static partial class DocumentEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1_000;

    /// <summary>
    /// Maps <c>/api/documents</c>: list with state, one document, its text or a passage of it, push and delete.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwayDocuments(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var group = endpoints
            .MapGroup("/api/documents")
            .WithTags("Knowledge")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ForCallers(limits => limits.MaxDocumentBytes);
        group
            .MapGet("", ListAsync)
            .AllowKeys(ApiKeyScopes.ReadDocuments)
            .WithName("documents")
            .WithSummary("Lists documents by name, with their state.")
            .Produces<DocumentList>();
        group
            .MapGet("/{id}", FindAsync)
            .AllowKeys(ApiKeyScopes.ReadDocuments)
            .WithName("document")
            .WithSummary("One document and where it stands.")
            .Produces<DocumentView>();
        group
            .MapGet("/{id}/content", ReadAsync)
            .AllowKeys(ApiKeyScopes.ReadDocuments)
            .WithName("document-content")
            .WithSummary("A document's current text, or with start and end a passage of it (UTF-16 code units).")
            .Produces<DocumentContent>();
        group
            .MapPost("", PushAsync)
            .AllowKeys(ApiKeyScopes.WriteDocuments)
            .WithName("push-document")
            .WithSummary("Adds documents: multipart/form-data, or the bytes with ?name=.")
            .Produces<DocumentList>(StatusCodes.Status202Accepted);
        group
            .MapDelete("/{id}", DeleteAsync)
            .AllowKeys(ApiKeyScopes.WriteDocuments)
            .WithName("delete-document")
            .WithSummary("Deletes a document that was pushed.")
            .Produces(StatusCodes.Status204NoContent);
        return group;
    }

    private static async Task<IResult> ListAsync(
        HttpContext context,
        IDocumentStore documents,
        IOptions<RagOptions> rag,
        string? state,
        string? contains,
        string? source,
        string? after,
        string? limit
    )
    {
        var size = QueryNumber.Parse("limit", limit, DefaultLimit, MaxLimit);
        var principal = context.GetPrincipal();
        var page = await documents
            .ListAsync(
                new DocumentQuery
                {
                    Collection = new CollectionKey(principal.Tenant, rag.Value.Collection),
                    Principal = principal,
                    State = State(state),
                    Contains = contains,
                    Source = source,
                    After = after,
                    Limit = size,
                },
                context.RequestAborted
            )
            .ConfigureAwait(false);
        return Json.Result(
            new DocumentList([.. page.Documents.Select(DocumentView.From)], page.Next),
            KnowledgeJsonContext.Default.DocumentList
        );
    }

    private static async Task<IResult> FindAsync(HttpContext context, IDocumentStore documents, string id) =>
        Json.Result(
            DocumentView.From(await FindOrThrowAsync(context, documents, id).ConfigureAwait(false)),
            KnowledgeJsonContext.Default.DocumentView
        );

    private static async Task<IResult> ReadAsync(
        HttpContext context,
        IDocumentStore documents,
        string id,
        string? start,
        string? end
    )
    {
        var document = await FindOrThrowAsync(context, documents, id).ConfigureAwait(false);
        var text = await documents
            .ReadTextAsync(context.GetPrincipal(), id, context.RequestAborted)
            .ConfigureAwait(false);
        if (text is null)
        {
            throw new Problem(
                StatusCodes.Status404NotFound,
                $"'{document.Name}' has no text: it is {document.State.ToString().ToLowerInvariant()}. {document.Error}".TrimEnd()
            ).ToException();
        }

        var passage =
            start is null && end is null
                ? null
                : Cut(
                    text.Text,
                    QueryNumber.Parse("start", start, 0, text.Text.Length, min: 0),
                    QueryNumber.Parse("end", end, text.Text.Length, text.Text.Length, min: 0)
                );
        return Json.Result(
            new DocumentContent(
                id,
                text.Version,
                document.Title,
                document.Name,
                passage is null ? text.Text : null,
                passage
            ),
            KnowledgeJsonContext.Default.DocumentContent
        );
    }

    private static DocumentPassage Cut(string text, int start, int end) =>
        start > end
            ? throw Problem.Invalid($"'start' is {start} and lies after 'end', which is {end}.").ToException()
            : new DocumentPassage(start, end, text[start..end]);

    private static DocumentState? State(string? state) =>
        string.IsNullOrEmpty(state) ? null
        : Enum.TryParse<DocumentState>(state, ignoreCase: true, out var parsed)
        && Enum.IsDefined(parsed)
        && !char.IsAsciiDigit(state[0])
            ? parsed
        : throw Problem
            .Invalid(
                $"'state' is '{state}'; it may be {string.Join(", ", Enum.GetNames<DocumentState>()).ToLowerInvariant()}."
            )
            .ToException();

    private static async ValueTask<DocumentInfo> FindOrThrowAsync(
        HttpContext context,
        IDocumentStore documents,
        string id
    ) =>
        await documents.FindAsync(context.GetPrincipal(), id, context.RequestAborted).ConfigureAwait(false)
        ?? throw Problem.NotFound("document", id).ToException();
}
