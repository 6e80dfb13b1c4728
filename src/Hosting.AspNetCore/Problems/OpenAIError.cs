using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace Slipway.Hosting.Problems;

/// <summary>Marks endpoints whose callers expect errors as OpenAI writes them.</summary>
internal sealed class OpenAIErrors;

/// <summary>An error as OpenAI writes it; see https://platform.openai.com/docs/guides/error-codes</summary>
internal sealed record OpenAIError(OpenAIErrorBody Error)
{
    public static OpenAIError From(int status, string message)
    {
        var (type, code) = status switch
        {
            401 => ("invalid_request_error", "invalid_api_key"),
            403 => ("permission_error", null),
            404 => ("invalid_request_error", "model_not_found"),
            429 => ("rate_limit_error", "rate_limit_exceeded"),
            < 500 => ("invalid_request_error", (string?)null),
            _ => ("server_error", null),
        };
        return new(new OpenAIErrorBody(message, type, code));
    }
}

/// <param name="Message">For people.</param>
/// <param name="Type">The kind of error.</param>
/// <param name="Code">A stable name, where there is one.</param>
/// <param name="Param">The parameter at fault; never known here, but clients expect the field.</param>
internal sealed record OpenAIErrorBody(string Message, string Type, string? Code, string? Param = null);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(OpenAIError))]
internal sealed partial class ProblemJsonContext : JsonSerializerContext;
