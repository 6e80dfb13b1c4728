using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;
using Slipway.Identity;
using Slipway.Rag.Retrieval;
using Slipway.Rag.Storage;

namespace Slipway.Hosting.Knowledge;

/// <summary>Search without an agent.</summary>
public static class SearchEndpoints
{
    private const int DefaultCount = 8;
    private const int MaxCount = 50;

    /// <summary>
    /// Maps <c>GET /api/search?q=…&amp;count=…</c>: the passages that answer best, with their places. <c>path=</c>, <c>source=</c> and
    /// <c>meta.KEY=</c> narrow it, and <c>filter=</c> does with a filter as JSON; all that are given must hold.
    /// </summary>
    public static IEndpointConventionBuilder MapSlipwaySearch(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints
            .MapGet("/api/search", SearchAsync)
            .WithName("search")
            .WithTags("Knowledge")
            .WithSummary("Finds passages.")
            .Produces<SearchResult>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .AllowKeys(ApiKeyScopes.ReadDocuments)
            .ForCallers(limits => limits.MaxRequestBytes);
    }

    private static async Task<IResult> SearchAsync(
        HttpContext context,
        RetrievalPipeline retrieval,
        IOptions<RagOptions> rag,
        string? q,
        string? count,
        string? filter,
        string? path,
        string? source
    )
    {
        if (string.IsNullOrWhiteSpace(q))
        {
            throw Problem.Invalid("'q' is missing: what to search for.").ToException();
        }

        var wanted = QueryNumber.Parse("count", count, DefaultCount, MaxCount);
        var principal = context.GetPrincipal();
        var result = await retrieval
            .RetrieveAsync(
                new RetrievalRequest
                {
                    Query = q,
                    Count = wanted,
                    Collection = new CollectionKey(principal.Tenant, rag.Value.Collection),
                    Principal = principal,
                    Filter = QueryFilter.Parse(context.Request.Query, filter, path, source),
                },
                context.RequestAborted
            )
            .ConfigureAwait(false);
        return Json.Result(
            new SearchResult
            {
                Query = q,
                Passages = [.. result.Select(passage => passage.ToSearchPassage())],
                Note = result.Note,
            },
            KnowledgeJsonContext.Default.SearchResult
        );
    }
}
