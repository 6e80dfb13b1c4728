using System.Text.Json;

namespace Slipway.Hosting.Completions;

/// <summary>A request of OpenAI's chat completions; see https://platform.openai.com/docs/api-reference/chat/create</summary>
internal sealed record CompletionRequest
{
    public string? Model { get; init; }

    public IReadOnlyList<CompletionMessage>? Messages { get; init; }

    public bool? Stream { get; init; }

    public StreamOptions? StreamOptions { get; init; }

    public float? Temperature { get; init; }

    public float? TopP { get; init; }

    public int? MaxTokens { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public float? FrequencyPenalty { get; init; }

    public float? PresencePenalty { get; init; }

    public long? Seed { get; init; }

    public int? N { get; init; }

    /// <summary>A string or an array of them.</summary>
    public JsonElement? Stop { get; init; }

    public IReadOnlyList<CompletionTool>? Tools { get; init; }

    /// <summary><c>"none"</c>, <c>"auto"</c>, <c>"required"</c>, or an object that names a function.</summary>
    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    public ResponseFormat? ResponseFormat { get; init; }
}

internal sealed record StreamOptions(bool? IncludeUsage);

internal sealed record ResponseFormat(string? Type, JsonSchemaFormat? JsonSchema);

internal sealed record JsonSchemaFormat(string? Name, string? Description, JsonElement? Schema);

internal sealed record CompletionTool(string? Type, FunctionDefinition? Function);

internal sealed record FunctionDefinition(string? Name, string? Description, JsonElement? Parameters);

/// <param name="Role">system, developer, user, assistant or tool.</param>
/// <param name="Content">A string, an array of parts, or null.</param>
/// <param name="Name">Who speaks, where several of a role do.</param>
/// <param name="ToolCalls">Calls that an assistant message asked for.</param>
/// <param name="ToolCallId">The call that a tool message answers.</param>
internal sealed record CompletionMessage(
    string? Role,
    JsonElement? Content,
    string? Name,
    IReadOnlyList<CompletionToolCall>? ToolCalls,
    string? ToolCallId
);

internal sealed record CompletionToolCall(string? Id, string? Type, FunctionCall? Function);

/// <param name="Name">The function.</param>
/// <param name="Arguments">A JSON object as text.</param>
internal sealed record FunctionCall(string? Name, string? Arguments);
