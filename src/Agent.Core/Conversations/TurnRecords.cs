using Microsoft.Extensions.AI;
using Slipway.Agents.Turns;

namespace Slipway.Agents.Conversations;

/// <summary>A turn as it begins.</summary>
public sealed record TurnStart
{
    /// <summary>The turn's id, new.</summary>
    public required string TurnId { get; init; }

    /// <summary>Who asks.</summary>
    public required Principal Principal { get; init; }

    /// <summary>The conversation.</summary>
    public required string ConversationId { get; init; }

    /// <summary>What is new, each with a <see cref="ChatMessage.MessageId"/>.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>Title of the conversation if it has none yet.</summary>
    public string? Title { get; init; }

    /// <summary>Whether everything after the user's last message is superseded.</summary>
    public bool Regenerate { get; init; }

    /// <summary>How long the turn is held without a renewal. Default 15 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Names the request among the principal's: a second one with the same key gets the first one's turn. Null for none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Tells requests with the same key apart; null where there is no key.</summary>
    public string? RequestHash { get; init; }

    /// <summary>What another owner needs to run the turn, as text that the runner understands; null when no other can.</summary>
    public string? Request { get; init; }

    /// <summary>The first events of the log.</summary>
    public IReadOnlyList<TurnEvent> Events { get; init; } = [];

    /// <summary>The first step; null when none is about to begin.</summary>
    public TurnStep? Step { get; init; }

    internal static SlipwayException OtherRequest(string key) =>
        new(
            ErrorClass.Permanent,
            $"The idempotency key '{key}' was used for another request.",
            "Send each new request with a key of its own; only a repetition has the same one."
        );
}

/// <summary>What a turn produced since it was last stored.</summary>
public sealed record TurnOutput
{
    /// <summary>The turn.</summary>
    public required string TurnId { get; init; }

    /// <summary>Whose turn it is.</summary>
    public required Principal Principal { get; init; }

    /// <summary>The conversation; null for a stateless turn, of which only the usage is stored.</summary>
    public string? ConversationId { get; init; }

    /// <summary>The writer's <see cref="TurnLease.FencingToken"/>.</summary>
    public long FencingToken { get; init; }

    /// <summary>New events of the log, in order.</summary>
    public IReadOnlyList<TurnEvent> Events { get; init; } = [];

    /// <summary>The <see cref="LoggedTurnEvent.Sequence"/> of the first of them.</summary>
    public long FirstSequence { get; init; }

    /// <summary>Steps that are new or have changed.</summary>
    public IReadOnlyList<TurnStep> Steps { get; init; } = [];

    /// <summary>Messages in order, each with a <see cref="ChatMessage.MessageId"/>.</summary>
    public IReadOnlyList<ChatMessage> Messages { get; init; } = [];

    /// <summary>The model that was called; null when it did not say.</summary>
    public string? Model { get; init; }

    /// <summary>Tokens since the turn was last stored; null for none.</summary>
    public TurnUsage? Usage { get; init; }

    /// <summary>How the turn ended; null while it runs.</summary>
    public TurnEnd? End { get; init; }

    /// <summary>What these tokens cost, in the currency of the prices; null when no price is known.</summary>
    public decimal? Cost { get; init; }

    /// <summary>The tools that began to run: usage is counted by tool as well.</summary>
    internal IEnumerable<string> ToolsCalled =>
        Steps
            .Where(step => step is { Kind: TurnStepKind.Tool, Status: TurnStepStatus.Started })
            .Select(step => step.Name ?? "");
}

/// <summary>How a turn ended.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="FinishReason">Why the model stopped, as in <see cref="TurnFinished"/>.</param>
/// <param name="Usage">Tokens of the whole turn.</param>
/// <param name="ErrorClass">What can be done about the error; null when there is none.</param>
/// <param name="Error">What went wrong, for people; null when nothing did.</param>
public sealed record TurnEnd(
    TurnStatus Status,
    string FinishReason,
    TurnUsage? Usage = null,
    ErrorClass? ErrorClass = null,
    string? Error = null
);

/// <summary>A stored turn.</summary>
public sealed record TurnInfo
{
    /// <summary>The turn's id.</summary>
    public required string Id { get; init; }

    /// <summary>The conversation it belongs to.</summary>
    public required string ConversationId { get; init; }

    /// <summary>How it stands.</summary>
    public required TurnStatus Status { get; init; }

    /// <summary>Why the model stopped; null while it runs.</summary>
    public string? FinishReason { get; init; }

    /// <summary>What went wrong, for people; null when nothing did.</summary>
    public string? Error { get; init; }

    /// <summary>Tokens of the whole turn, if the model said.</summary>
    public TurnUsage? Usage { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended, UTC; null while it runs, or until somebody closes it for an owner that is gone.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Whether somebody asked for its end.</summary>
    public bool StopRequested { get; init; }
}
