using Slipway.Agents.Limits;
using Slipway.Agents.Models;

namespace Slipway.Agents;

/// <summary>Settings of an agent.</summary>
public sealed record AgentOptions
{
    /// <summary>Value of <see cref="MaxModelCalls"/> unless set: 20.</summary>
    public const int DefaultMaxModelCalls = 20;

    /// <summary>Value of <see cref="HistoryMessages"/> unless set: 10, five questions with their answers.</summary>
    public const int DefaultHistoryMessages = 10;

    /// <summary>Value of <see cref="HistoryTokens"/> unless set: 24,000, which leaves room in a window of 32,000.</summary>
    public const int DefaultHistoryTokens = 24_000;

    /// <summary>Value of <see cref="TurnLease"/> unless set: 15 s.</summary>
    public static readonly TimeSpan DefaultTurnLease = TimeSpan.FromSeconds(15);

    /// <summary>Value of <see cref="DrainTime"/> unless set: 3 s.</summary>
    public static readonly TimeSpan DefaultDrainTime = TimeSpan.FromSeconds(3);

    /// <summary>Value of <see cref="EventRetention"/> unless set: a day.</summary>
    public static readonly TimeSpan DefaultEventRetention = TimeSpan.FromDays(1);

    /// <summary>Value of <see cref="Instructions"/> unless set.</summary>
    public const string DefaultInstructions =
        "You are a helpful assistant with access to a knowledge base. Look things up before you answer questions that its "
        + "documents may cover, and search again in other words when the first search does not help. Answer in the language of the "
        + "question, briefly and to the point. When the documents do not hold the answer, say so instead of guessing.";

    /// <summary>The agent's name. Default <c>agent</c>.</summary>
    public string Name { get; set; } = "agent";

    /// <summary>What the agent is for, for people and other agents. May be null.</summary>
    public string? Description { get; set; }

    /// <summary>Who the agent is and how it answers; sent on every turn. How to cite is added by the agent itself.</summary>
    public string Instructions { get; set; } = DefaultInstructions;

    /// <summary>How often the model may be called in one turn, at least 1. A turn that needs more ends as exhausted.</summary>
    public int MaxModelCalls { get; set; } = DefaultMaxModelCalls;

    /// <summary>
    /// How often the model may call the same tool with the same arguments in one turn, at least 1. It is told at the last time; the turn
    /// ends with an error when it does so once more.
    /// </summary>
    public int MaxRepeatedCalls { get; set; } = LoopGuardChatClient.DefaultMaxRepeatedCalls;

    /// <summary>
    /// How many stored messages the model sees, the new one included: what the user and the agent said to each other, in whole
    /// exchanges. Tool calls and results between them come along and do not count.
    /// </summary>
    public int HistoryMessages { get; set; } = DefaultHistoryMessages;

    /// <summary>
    /// About how many tokens the stored messages may take (four characters count as one). The oldest exchanges are left out first; the
    /// new message never is.
    /// </summary>
    public int HistoryTokens { get; set; } = DefaultHistoryTokens;

    /// <summary>Whether a turn goes on when the client that asked goes away; default true. Stateless turns never do.</summary>
    public bool ContinueWithoutClient { get; set; } = true;

    /// <summary>
    /// Whether a turn whose process has ended is resumed by another; default true. Otherwise it is closed as interrupted. Either way what it
    /// produced is kept.
    /// </summary>
    public bool ResumeTurns { get; set; } = true;

    /// <summary>How long a request waits for a conversation's running turn to end before it is refused. Default 0: not at all.</summary>
    public TimeSpan WaitForTurn { get; set; }

    /// <summary>How long a turn is held without a sign of life, 1 s or more: how long it waits when its process dies.</summary>
    public TimeSpan TurnLease { get; set; } = DefaultTurnLease;

    /// <summary>How long running turns may go on when the host stops, before they are handed over.</summary>
    public TimeSpan DrainTime { get; set; } = DefaultDrainTime;

    /// <summary>How long the events and steps of an ended turn are kept, for clients that come back. Messages stay.</summary>
    public TimeSpan EventRetention { get; set; } = DefaultEventRetention;

    /// <summary>What models cost, for usage and for limits of cost. Empty by default: no price is known that was not set.</summary>
    public IReadOnlyList<ModelPrice> Prices { get; set; } = [];

    /// <summary>
    /// Whether the model gives new conversations a title, beside their first answer; default true. Without a model, or when it fails, the title
    /// is how the first message begins.
    /// </summary>
    public bool GenerateTitles { get; set; } = true;
}
