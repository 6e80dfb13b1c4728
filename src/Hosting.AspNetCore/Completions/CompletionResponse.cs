using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Hosting.Problems;

namespace Slipway.Hosting.Completions;

/// <summary>A completion, or with <c>chat.completion.chunk</c> a part of one.</summary>
internal sealed record CompletionResponse
{
    public required string Id { get; init; }

    public required string Object { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public required long Created { get; init; }

    public required string Model { get; init; }

    public required IReadOnlyList<CompletionChoice> Choices { get; init; }

    public CompletionUsage? Usage { get; init; }
}

/// <summary>One answer: whole in <paramref name="Message"/>, a part in <paramref name="Delta"/>.</summary>
internal sealed record CompletionChoice(int Index, AnswerMessage? Message, AnswerMessage? Delta, string? FinishReason);

internal sealed record AnswerMessage
{
    public string? Role { get; init; }

    public string? Content { get; init; }

    /// <summary>What several OpenAI-compatible servers and clients call the model's reasoning.</summary>
    public string? ReasoningContent { get; init; }

    public IReadOnlyList<AnswerToolCall>? ToolCalls { get; init; }

    public IReadOnlyList<Annotation>? Annotations { get; init; }
}

/// <param name="Index">Its number among the calls; only in a stream.</param>
/// <param name="Id">The call.</param>
/// <param name="Type">Always <c>function</c>.</param>
/// <param name="Function">What to call.</param>
internal sealed record AnswerToolCall(int? Index, string Id, string Type, FunctionCall Function);

/// <summary>A citation where OpenAI has one for web pages, so that clients show it; the place itself is in <paramref name="Slipway"/>.</summary>
internal sealed record Annotation(UrlCitation UrlCitation, Chat.CitedPassage Slipway)
{
    public string Type { get; } = "url_citation";
}

/// <param name="StartIndex">First character of the marker in the answer.</param>
/// <param name="EndIndex">One past its last.</param>
/// <param name="Url">The document: where the original is, or this server's own text of it.</param>
/// <param name="Title">Its title.</param>
internal sealed record UrlCitation(int StartIndex, int EndIndex, string Url, string Title);

internal sealed record CompletionUsage(long PromptTokens, long CompletionTokens, long TotalTokens);

internal sealed record ModelList(IReadOnlyList<ModelInfo> Data)
{
    public string Object { get; } = "list";
}

internal sealed record ModelInfo(string Id, long Created)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "slipway";
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(CompletionRequest))]
[JsonSerializable(typeof(CompletionResponse))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(OpenAIError))]
internal sealed partial class CompletionJsonContext : JsonSerializerContext;
