using Slipway.Agents.Limits;

namespace Slipway.Hosting;

/// <summary>What one request may ask for, and what each user may: section <c>Limits</c>.</summary>
public sealed record LimitsOptions
{
    /// <summary>Default of <see cref="MaxRequestBytes"/>: 4 MiB, a long conversation.</summary>
    public const long DefaultMaxRequestBytes = 4L << 20;

    /// <summary>Default of <see cref="MaxDocumentBytes"/>: 64 MiB.</summary>
    public const long DefaultMaxDocumentBytes = 64L << 20;

    /// <summary>Default of <see cref="MaxMessageLength"/>: 100,000, about 25,000 tokens.</summary>
    public const int DefaultMaxMessageLength = 100_000;

    /// <summary>Default of <see cref="MaxAttachments"/>: 5.</summary>
    public const int DefaultMaxAttachments = 5;

    /// <summary>Default of <see cref="MaxAttachmentBytes"/>: 1 MiB.</summary>
    public const int DefaultMaxAttachmentBytes = 1 << 20;

    /// <summary>Default of <see cref="AttachmentTypes"/>: pictures, sound, PDF and texts that models take.</summary>
    public static readonly IReadOnlyList<string> DefaultAttachmentTypes =
    [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "audio/mpeg",
        "audio/wav",
        "application/pdf",
        "application/json",
        "text/plain",
        "text/markdown",
        "text/csv",
    ];

    /// <summary>Largest body of a request that is not a document, in bytes. In a chat the attachments come on top.</summary>
    public long MaxRequestBytes { get; set; } = DefaultMaxRequestBytes;

    /// <summary>Largest body of a pushed document, in bytes.</summary>
    public long MaxDocumentBytes { get; set; } = DefaultMaxDocumentBytes;

    /// <summary>Longest message of a user in a chat, in characters.</summary>
    public int MaxMessageLength { get; set; } = DefaultMaxMessageLength;

    /// <summary>How many answers a user may ask for within <see cref="Window"/>, on all instances together. Default 5; 0 for any number.</summary>
    public int Requests { get; set; } = TurnLimits.DefaultRequests;

    /// <summary>The time that <see cref="Requests"/> are counted in: the last 60 seconds unless set.</summary>
    public TimeSpan Window { get; set; } = TurnLimits.DefaultWindow;

    /// <summary>How many answers of a user are made at the same time, on all instances together. Default 5; 0 for any number.</summary>
    public int ConcurrentTurns { get; set; } = TurnLimits.DefaultConcurrentTurns;

    /// <summary>Tokens of one answer, input and output of all its model calls. Default 0: any number.</summary>
    public long TokensPerTurn { get; set; }

    /// <summary>
    /// Tokens of a user in a day, which begins at midnight UTC. An answer reserves <see cref="TokensPerTurn"/> before it begins, so that
    /// must be set, and several of them should fit. Default 0: any number.
    /// </summary>
    public long TokensPerDay { get; set; }

    /// <summary>
    /// Cost of one answer, in the currency of <see cref="Slipway.Agents.AgentOptions.Prices"/>. Default 0: any amount.
    /// </summary>
    public decimal CostPerTurn { get; set; }

    /// <summary>
    /// Cost of a user in a day, which begins at midnight UTC. An answer reserves <see cref="CostPerTurn"/> before it begins, so that must be
    /// set. Default 0: any amount.
    /// </summary>
    public decimal CostPerDay { get; set; }

    internal TurnLimits ForTurns() =>
        new()
        {
            Requests = Requests == 0 ? null : Requests,
            Window = Window,
            ConcurrentTurns = ConcurrentTurns == 0 ? null : ConcurrentTurns,
            TokensPerTurn = TokensPerTurn == 0 ? null : TokensPerTurn,
            TokensPerDay = TokensPerDay == 0 ? null : TokensPerDay,
            CostPerTurn = CostPerTurn == 0 ? null : CostPerTurn,
            CostPerDay = CostPerDay == 0 ? null : CostPerDay,
        };

    /// <summary>Most files of a message in a chat; 0 for none.</summary>
    public int MaxAttachments { get; set; } = DefaultMaxAttachments;

    /// <summary>Largest file of a message, in bytes.</summary>
    public int MaxAttachmentBytes { get; set; } = DefaultMaxAttachmentBytes;

    /// <summary>Media types that a file of a message may have; <c>image/*</c> stands for all of a kind.</summary>
    public IReadOnlyList<string> AttachmentTypes { get; set; } = DefaultAttachmentTypes;

    /// <summary>Largest body of a chat request, in bytes: attachments travel in base64, four bytes for three.</summary>
    internal long MaxChatBytes => MaxRequestBytes + (MaxAttachments * ((MaxAttachmentBytes + 2L) / 3 * 4));
}
