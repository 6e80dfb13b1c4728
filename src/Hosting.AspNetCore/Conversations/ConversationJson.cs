using System.Text.Json;
using System.Text.Json.Serialization;
using Slipway.Agents.Conversations;
using Slipway.Agents.Turns;
using Slipway.Hosting.Chat;

namespace Slipway.Hosting.Conversations;

/// <summary>A conversation in a list.</summary>
internal sealed record ConversationView
{
    public required string Id { get; init; }

    public string? Title { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset LastMessageAt { get; init; }

    /// <summary>Where a search found it; absent where only the title was, and without a search.</summary>
    public ConversationExcerpt? Match { get; init; }

    public static ConversationView From(Conversation conversation) =>
        new()
        {
            Id = conversation.Id,
            Title = conversation.Title,
            CreatedAt = conversation.CreatedAt,
            LastMessageAt = conversation.LastMessageAt,
        };

    public static ConversationView From(ConversationMatch match) =>
        From(match.Conversation) with
        {
            Match = match.MessageId is null ? null : new ConversationExcerpt(match.MessageId, match.Excerpt ?? ""),
        };
}

/// <summary>What stands around a word that was searched.</summary>
internal sealed record ConversationExcerpt(string MessageId, string Text);

/// <summary>A page of conversations.</summary>
/// <param name="Conversations">The most recent first.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; absent on the last.</param>
internal sealed record ConversationList(IReadOnlyList<ConversationView> Conversations, string? Next);

/// <summary>What may be changed of a conversation.</summary>
internal sealed record ConversationChange(string? Title);

/// <summary>A page of messages, as <c>useChat</c> takes them.</summary>
/// <param name="Messages">In order; a page begins with a message of the user.</param>
/// <param name="Before">Pass as <c>before</c> for the page before this one; absent on the first of the conversation.</param>
internal sealed record MessageList(IReadOnlyList<StoredUIMessage> Messages, string? Before);

/// <summary>A whole conversation.</summary>
internal sealed record ConversationExport(ConversationView Conversation, IReadOnlyList<StoredUIMessage> Messages);

/// <summary>A stored message as the AI SDK's <c>UIMessage</c>.</summary>
internal sealed record StoredUIMessage(
    string Id,
    string Role,
    IReadOnlyList<StoredUIMessagePart> Parts,
    StoredMessageMetadata Metadata
);

/// <summary>When a message was stored, and how its turn stands: one that was cancelled or failed may be incomplete.</summary>
internal sealed record StoredMessageMetadata(DateTimeOffset CreatedAt, string? TurnId, TurnStatus? Status);

/// <summary>A part of a stored message, of a type that the AI SDK knows.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Text), "text")]
[JsonDerivedType(typeof(Reasoning), "reasoning")]
[JsonDerivedType(typeof(File), "file")]
[JsonDerivedType(typeof(Tool), "dynamic-tool")]
[JsonDerivedType(typeof(SourceDocument), "source-document")]
internal abstract record StoredUIMessagePart
{
    /// <param name="Content">The text; under the name that clients read.</param>
    public sealed record Text([property: JsonPropertyName("text")] string Content) : StoredUIMessagePart;

    /// <param name="Content">The text; under the name that clients read.</param>
    public sealed record Reasoning([property: JsonPropertyName("text")] string Content) : StoredUIMessagePart;

    public sealed record File(string MediaType, string? Filename, string Url) : StoredUIMessagePart;

    /// <param name="ToolName">The tool.</param>
    /// <param name="ToolCallId">The call.</param>
    /// <param name="State"><c>output-available</c>, or <c>input-available</c> for a call without a result.</param>
    /// <param name="Input">Its arguments.</param>
    /// <param name="Output">What it gave back.</param>
    public sealed record Tool(string ToolName, string ToolCallId, string State, JsonElement Input, JsonElement? Output)
        : StoredUIMessagePart;

    public sealed record SourceDocument(
        string SourceId,
        string MediaType,
        string Title,
        string Filename,
        CitationMetadata ProviderMetadata
    ) : StoredUIMessagePart;
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(CamelCaseEnum<TurnStatus>)]
)]
[JsonSerializable(typeof(ConversationList))]
[JsonSerializable(typeof(ConversationChange))]
[JsonSerializable(typeof(MessageList))]
[JsonSerializable(typeof(ConversationExport))]
[JsonSerializable(typeof(IDictionary<string, object?>))]
internal sealed partial class ConversationJsonContext : JsonSerializerContext;
