namespace Slipway.Hosting;

/// <summary>What one request may ask for: section <c>Limits</c>.</summary>
public sealed record LimitsOptions
{
    /// <summary>Default of <see cref="MaxRequestBytes"/>: 4 MiB, a long conversation.</summary>
    public const long DefaultMaxRequestBytes = 4L << 20;

    /// <summary>Default of <see cref="MaxDocumentBytes"/>: 64 MiB.</summary>
    public const long DefaultMaxDocumentBytes = 64L << 20;

    /// <summary>Default of <see cref="MaxMessageLength"/>: 100,000, about 25,000 tokens.</summary>
    public const int DefaultMaxMessageLength = 100_000;

    /// <summary>Largest body of a request that is not a document, in bytes.</summary>
    public long MaxRequestBytes { get; set; } = DefaultMaxRequestBytes;

    /// <summary>Largest body of a pushed document, in bytes.</summary>
    public long MaxDocumentBytes { get; set; } = DefaultMaxDocumentBytes;

    /// <summary>Longest message of a user in a chat, in characters.</summary>
    public int MaxMessageLength { get; set; } = DefaultMaxMessageLength;
}
