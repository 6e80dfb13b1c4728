namespace Slipway.Rag.Reading;

/// <summary>Limits of reading.</summary>
public sealed record ReadingOptions
{
    /// <summary>Default of <see cref="MaxBytes"/>: 64 MiB.</summary>
    public const long DefaultMaxBytes = 64L << 20;

    /// <summary>Default of <see cref="MaxTextLength"/>: 32 million UTF-16 code units (64 MB of memory).</summary>
    public const int DefaultMaxTextLength = 32_000_000;

    /// <summary>Largest file that is read, in bytes. A larger one goes to quarantine with that reason; it is never loaded.</summary>
    public long MaxBytes { get; set; } = DefaultMaxBytes;

    /// <summary>Largest text that a reader may produce, in UTF-16 code units.</summary>
    public int MaxTextLength { get; set; } = DefaultMaxTextLength;
}
