using System.Runtime.InteropServices;

namespace Slipway.Rag.Retrieval.Lexical;

/// <summary>
/// BM25 as Lucene writes it: idf × tf ÷ (tf + k1 × (1 − b + b × length ÷ average length)). One place for the arithmetic, so that every
/// engine and every state of an index gives the same bits.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct Bm25(Bm25Options options, long chunks, long totalLength)
{
    private readonly double _constant = options.K1 * (1 - options.B);
    private readonly double _perLength = totalLength == 0 ? 0 : options.K1 * options.B / ((double)totalLength / chunks);

    /// <summary>A term's weight when <paramref name="frequency"/> of the chunks have it.</summary>
    public double Weight(long frequency) => Math.Log(1 + ((chunks - frequency + 0.5) / (frequency + 0.5)));

    public double Score(double weight, int termFrequency, int length) =>
        weight * termFrequency / (termFrequency + _constant + (_perLength * length));
}
