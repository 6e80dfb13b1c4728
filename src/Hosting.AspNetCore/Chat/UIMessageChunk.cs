using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Agents.Turns;

namespace Slipway.Hosting.Chat;

/// <summary>
/// An event of the AI SDK's UI message stream, version 1; see https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. Clients refuse types they
/// do not know, so there are no others.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(StartStep), "start-step")]
[JsonDerivedType(typeof(FinishStep), "finish-step")]
[JsonDerivedType(typeof(TextStart), "text-start")]
[JsonDerivedType(typeof(TextDelta), "text-delta")]
[JsonDerivedType(typeof(TextEnd), "text-end")]
[JsonDerivedType(typeof(ReasoningStart), "reasoning-start")]
[JsonDerivedType(typeof(ReasoningDelta), "reasoning-delta")]
[JsonDerivedType(typeof(ReasoningEnd), "reasoning-end")]
[JsonDerivedType(typeof(ToolInputAvailable), "tool-input-available")]
[JsonDerivedType(typeof(ToolOutputAvailable), "tool-output-available")]
[JsonDerivedType(typeof(ToolOutputError), "tool-output-error")]
[JsonDerivedType(typeof(SourceDocument), "source-document")]
[JsonDerivedType(typeof(Error), "error")]
[JsonDerivedType(typeof(Abort), "abort")]
[JsonDerivedType(typeof(Finish), "finish")]
internal abstract record UIMessageChunk
{
    public sealed record Start(string MessageId, StartMetadata MessageMetadata) : UIMessageChunk;

    public sealed record StartStep : UIMessageChunk;

    public sealed record FinishStep : UIMessageChunk;

    public sealed record TextStart(string Id) : UIMessageChunk;

    public sealed record TextDelta(string Id, string Delta) : UIMessageChunk;

    public sealed record TextEnd(string Id) : UIMessageChunk;

    public sealed record ReasoningStart(string Id) : UIMessageChunk;

    public sealed record ReasoningDelta(string Id, string Delta) : UIMessageChunk;

    public sealed record ReasoningEnd(string Id) : UIMessageChunk;

    /// <param name="ToolCallId">The call.</param>
    /// <param name="ToolName">The tool.</param>
    /// <param name="Input">Its arguments.</param>
    /// <param name="Dynamic">True: the client has no type for the tool and takes it by name.</param>
    public sealed record ToolInputAvailable(string ToolCallId, string ToolName, JsonElement Input, bool Dynamic = true)
        : UIMessageChunk;

    public sealed record ToolOutputAvailable(string ToolCallId, JsonElement Output, bool Dynamic = true)
        : UIMessageChunk;

    public sealed record ToolOutputError(string ToolCallId, string ErrorText, bool Dynamic = true) : UIMessageChunk;

    public sealed record SourceDocument(
        string SourceId,
        string MediaType,
        string Title,
        string Filename,
        CitationMetadata ProviderMetadata
    ) : UIMessageChunk;

    public sealed record Error(string ErrorText) : UIMessageChunk;

    public sealed record Abort(string Reason) : UIMessageChunk;

    public sealed record Finish(string FinishReason, FinishMetadata MessageMetadata) : UIMessageChunk;
}

/// <summary>What the client may want to know of the turn.</summary>
internal sealed record StartMetadata(string TurnId, string? ConversationId);

/// <summary>How the turn ended, and the tokens it took if the model says.</summary>
internal sealed record FinishMetadata(TurnStatus Status, TurnUsage? Usage);

/// <summary>Citations travel as provider metadata: the stream has no field for a place in a document.</summary>
internal sealed record CitationMetadata(CitedPassage Slipway);

/// <summary>The place that a marker in the text stands for.</summary>
internal sealed record CitedPassage(
    int Number,
    string DocumentId,
    int Version,
    int Start,
    int End,
    string? Quote,
    bool Verified,
    string Name,
    IReadOnlyList<string> Headings,
    string? Uri
)
{
    public static CitedPassage From(Citation citation) =>
        new(
            citation.Number,
            citation.Passage.DocumentId,
            citation.Passage.Version,
            citation.Passage.Start,
            citation.Passage.End,
            citation.Quote,
            citation.Verified,
            citation.Name,
            citation.Headings,
            WebUri.OrNull(citation.Uri)
        );
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<TurnStatus>)]
)]
[JsonSerializable(typeof(UIMessageChunk))]
[JsonSerializable(typeof(ChatRequest))]
internal sealed partial class ChatJsonContext : JsonSerializerContext;
