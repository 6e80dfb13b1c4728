using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Slipway.Hosting.Auth;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting;

/// <summary>What every endpoint for callers has: who is asking, errors as problems, a limit for the body.</summary>
internal static class EndpointConventions
{
    public static TBuilder ForCallers<TBuilder>(this TBuilder endpoints, Func<LimitsOptions, long> maxBytes)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoints.Add(endpoint =>
        {
            var limits = endpoint.ApplicationServices.GetRequiredService<IOptions<LimitsOptions>>().Value;
            endpoint.Metadata.Add(new BodyLimit(maxBytes(limits)));
        });
        return endpoints.RequireAuthorization(AuthServiceCollectionExtensions.Scheme).WithProblems();
    }

    /// <summary>Reads a JSON body; what is wrong with it is said with its place.</summary>
    /// <exception cref="ProblemException">It is not JSON, or not of the expected shape.</exception>
    public static async ValueTask<T> ReadBodyAsync<T>(this HttpContext context, JsonTypeInfo<T> type)
    {
        if (!context.Request.HasJsonContentType())
        {
            throw new Problem(
                StatusCodes.Status415UnsupportedMediaType,
                $"The body is '{context.Request.ContentType}'; send application/json."
            ).ToException();
        }

        try
        {
            return await context.Request.ReadFromJsonAsync(type, context.RequestAborted).ConfigureAwait(false)
                ?? throw Problem.Invalid("The body is null; send a JSON object.").ToException();
        }
        catch (JsonException exception)
        {
            throw Problem
                .Invalid(
                    $"The body is not what is expected at '{exception.Path ?? "$"}', line {exception.LineNumber + 1 ?? 1}."
                )
                .ToException();
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            var limit = context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize;
            throw Problem.TooLarge(limit ?? 0, "Limits:MaxRequestBytes").ToException();
        }
    }

    private sealed class BodyLimit(long bytes) : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => bytes;
    }
}
