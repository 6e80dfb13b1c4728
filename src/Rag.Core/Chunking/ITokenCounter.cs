namespace Slipway.Rag.Chunking;

/// <summary>Measures text in the unit that models measure it in.</summary>
/// <remarks>
/// Laws: deterministic; 0 for empty text; text added before or after never lowers the count. Thread-safe. To chunk by a model's own
/// tokenizer, wrap it: <c>int Count(ReadOnlySpan&lt;char&gt; text) => tokenizer.CountTokens(text)</c>.
/// </remarks>
public interface ITokenCounter
{
    /// <summary>Name and version; part of the chunker's fingerprint.</summary>
    string Fingerprint { get; }

    /// <summary>The number of tokens.</summary>
    int Count(ReadOnlySpan<char> text);
}
