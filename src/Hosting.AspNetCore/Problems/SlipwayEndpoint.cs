using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Slipway.Hosting.Problems;

/// <summary>Marks Slipway's endpoints among an application's own.</summary>
internal sealed class SlipwayEndpoint
{
    public static SlipwayEndpoint Instance { get; } = new();
}

internal static partial class SlipwayEndpointConventions
{
    /// <summary>
    /// Errors before the answer has begun become problems. Done around the endpoint, not in a middleware: the developer exception page
    /// would be there first.
    /// </summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoints.Add(endpoint =>
        {
            endpoint.Metadata.Add(SlipwayEndpoint.Instance);
            var handler = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => HandleAsync(handler, context);
        });
        return endpoints;
    }

    private static async Task HandleAsync(RequestDelegate handler, HttpContext context)
    {
        try
        {
            await handler(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            await Describe(exception, context).WriteAsync(context).ConfigureAwait(false);
        }
    }

    private static Problem Describe(Exception exception, HttpContext context)
    {
        switch (exception)
        {
            case ProblemException known:
                return known.Problem;
            case SlipwayException known:
                return Problem.From(known);
            case BadHttpRequestException bad:
                return new Problem(bad.StatusCode, bad.Message);
            default:
                var logger = context.RequestServices.GetRequiredService<ILogger<SlipwayEndpoint>>();
                LogUnexpected(logger, exception, context.Request.Method, context.Request.Path);
                return new Problem(
                    StatusCodes.Status500InternalServerError,
                    $"Something unexpected happened; the server's log has it under '{context.TraceIdentifier}'."
                );
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed unexpectedly.")]
    private static partial void LogUnexpected(ILogger logger, Exception exception, string method, string path);
}
