using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace Slipway.Agents.Turns;

/// <summary>One thing that happened in a turn. The sequence of events is the turn; every protocol is a projection of it.</summary>
/// <remarks>
/// Order: <see cref="TurnStarted"/> first; then per model call <see cref="StepStarted"/>, deltas, tool calls and results,
/// <see cref="StepFinished"/>; citations follow the text that they belong to; <see cref="TurnFinished"/> always comes and is last,
/// after <see cref="TurnFailed"/> when the turn failed.
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TurnStarted), "turn-started")]
[JsonDerivedType(typeof(StepStarted), "step-started")]
[JsonDerivedType(typeof(TextDelta), "text-delta")]
[JsonDerivedType(typeof(ReasoningDelta), "reasoning-delta")]
[JsonDerivedType(typeof(ToolCallStarted), "tool-call-started")]
[JsonDerivedType(typeof(ToolCallFinished), "tool-call-finished")]
[JsonDerivedType(typeof(CitationAdded), "citation-added")]
[JsonDerivedType(typeof(StepFinished), "step-finished")]
[JsonDerivedType(typeof(TurnFailed), "turn-failed")]
[JsonDerivedType(typeof(TurnFinished), "turn-finished")]
public abstract record TurnEvent;

/// <summary>The turn's row and the user's message are stored; the model is about to be called.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="ConversationId">The conversation; null for a stateless turn.</param>
/// <param name="MessageId">Id of the assistant message that is being written.</param>
public sealed record TurnStarted(string TurnId, string? ConversationId, string MessageId) : TurnEvent;

/// <summary>A model call begins.</summary>
/// <param name="Number">From 1 within the turn.</param>
public sealed record StepStarted(int Number) : TurnEvent;

/// <summary>More of the answer's text.</summary>
/// <param name="BlockId">Text with the same id is one block; a new id closes the block before.</param>
/// <param name="Text">The new part. Citation markers have become <c>[1]</c>, <c>[2]</c> …</param>
public sealed record TextDelta(string BlockId, string Text) : TurnEvent;

/// <summary>More of the model's reasoning.</summary>
/// <param name="BlockId">As in <see cref="TextDelta"/>.</param>
/// <param name="Text">The new part.</param>
public sealed record ReasoningDelta(string BlockId, string Text) : TurnEvent;

/// <summary>The model asked for a tool; its arguments are complete and the tool is about to run.</summary>
/// <param name="CallId">The model's id of the call.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">A JSON object.</param>
/// <param name="ByCaller">True when the tool belongs to the caller of a stateless turn: it is not run here and the turn ends.</param>
public sealed record ToolCallStarted(string CallId, string Name, JsonElement Arguments, bool ByCaller = false)
    : TurnEvent;

/// <summary>A tool has ended.</summary>
/// <param name="CallId">The model's id of the call.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Result">What the model will read. Passages are references here: their text is null.</param>
/// <param name="Error">What went wrong, for people and the model; null after success.</param>
public sealed record ToolCallFinished(string CallId, string Name, JsonElement Result, string? Error = null) : TurnEvent;

/// <summary>A marker of the text was held against the stored document.</summary>
/// <param name="Citation">What it cites, and whether the quote was found.</param>
public sealed record CitationAdded(Citation Citation) : TurnEvent;

/// <summary>A model call and its tools have ended.</summary>
/// <param name="Number">As in <see cref="StepStarted"/>.</param>
/// <param name="Usage">Tokens of this call, if the model says.</param>
public sealed record StepFinished(int Number, TurnUsage? Usage) : TurnEvent;

/// <summary>The turn failed. What was said before stays.</summary>
/// <param name="Class">What can be done about it.</param>
/// <param name="Message">For the user: what happened and what helps. No secrets.</param>
public sealed record TurnFailed(ErrorClass Class, string Message) : TurnEvent;

/// <summary>The end; always the last event.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="FinishReason">Why the model stopped: <c>stop length content_filter tool_calls</c>, or <c>error</c>.</param>
/// <param name="Usage">Tokens of the whole turn.</param>
public sealed record TurnFinished(TurnStatus Status, string FinishReason, TurnUsage? Usage) : TurnEvent;

/// <summary>Tokens, counted once.</summary>
/// <param name="InputTokens">Prompt tokens, the cached ones included.</param>
/// <param name="OutputTokens">Completion tokens, the reasoning included.</param>
public sealed record TurnUsage(long InputTokens, long OutputTokens)
{
    /// <summary>Those prompt tokens that the provider had cached; null when it did not say.</summary>
    public long? CachedInputTokens { get; init; }

    /// <summary>Adds two counts.</summary>
    public static TurnUsage? Add(TurnUsage? left, TurnUsage? right) =>
        left is null ? right
        : right is null ? left
        : new(left.InputTokens + right.InputTokens, left.OutputTokens + right.OutputTokens)
        {
            CachedInputTokens =
                left.CachedInputTokens is null && right.CachedInputTokens is null
                    ? null
                    : (left.CachedInputTokens ?? 0) + (right.CachedInputTokens ?? 0),
        };

    internal static TurnUsage? From(UsageDetails? usage) =>
        usage is null
            ? null
            : new(usage.InputTokenCount ?? 0, usage.OutputTokenCount ?? 0)
            {
                CachedInputTokens = usage.CachedInputTokenCount,
            };
}

/// <summary>How a turn stands or ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TurnStatus>))]
public enum TurnStatus
{
    /// <summary>Under way.</summary>
    Running,

    /// <summary>The model finished.</summary>
    Completed,

    /// <summary>The caller stopped it.</summary>
    Cancelled,

    /// <summary>The process ended in the middle of it.</summary>
    Interrupted,

    /// <summary>An error ended it.</summary>
    Failed,

    /// <summary>It reached its limit of model calls.</summary>
    BudgetExhausted,
}
