using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Slipway.Agents.Conversations;
using Slipway.Agents.Limits;

namespace Slipway.Hosting.Problems;

/// <summary>An error before the answer has begun: what is told to the caller, in the form that the endpoint speaks.</summary>
internal sealed record Problem(int Status, string Detail, TimeSpan? RetryAfter = null)
{
    public static Problem From(SlipwayException exception) =>
        new(
            exception switch
            {
                LimitExceededException => StatusCodes.Status429TooManyRequests,
                ConversationNotFoundException => StatusCodes.Status404NotFound,
                ConversationBusyException => StatusCodes.Status409Conflict,
                { Class: ErrorClass.Transient } => StatusCodes.Status503ServiceUnavailable,
                { Class: ErrorClass.Permanent } => StatusCodes.Status400BadRequest,
                // The server's settings and credentials, not the caller's.
                _ => StatusCodes.Status500InternalServerError,
            },
            exception.Fix is null ? exception.Message : $"{exception.Message} {exception.Fix}",
            exception.RetryAfter
        );

    public static Problem NotFound(string what, string id) =>
        new(StatusCodes.Status404NotFound, $"There is no {what} '{id}'.");

    public static Problem Invalid(string detail) => new(StatusCodes.Status400BadRequest, detail);

    public static Problem TooLarge(long limit, string setting) =>
        new(
            StatusCodes.Status413PayloadTooLarge,
            $"The request is larger than {limit.ToString("N0", CultureInfo.InvariantCulture)} bytes. Send less, or raise {setting}."
        );

    /// <summary>Ends the request with this problem.</summary>
    public ProblemException ToException() => new(this);

    public async Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        if (RetryAfter is { } delay)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds)
                .ToString(CultureInfo.InvariantCulture);
        }

        if (context.GetEndpoint()?.Metadata.GetMetadata<OpenAIErrors>() is not null)
        {
            await Json.WriteAsync(context, OpenAIError.From(Status, Detail), ProblemJsonContext.Default.OpenAIError)
                .ConfigureAwait(false);
            return;
        }

        var details = new ProblemDetails
        {
            Status = Status,
            Title = ReasonPhrases.GetReasonPhrase(Status),
            Detail = Detail,
            Instance = context.Request.Path,
        };
        await Json.WriteAsync(context, details, ProblemJsonContext.Default.ProblemDetails, "application/problem+json")
            .ConfigureAwait(false);
    }
}

/// <summary>Carries a problem to the exception handler.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem { get; } = problem;
}
