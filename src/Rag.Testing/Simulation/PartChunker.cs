using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Testing;

/// <summary>A chunk for each paragraph, however small.</summary>
internal sealed class PartChunker : IChunker
{
    public string Fingerprint => "parts";

    public IReadOnlyList<Chunk> Chunk(StructuredDocument document)
    {
        var chunks = new List<Chunk>();
        for (var start = 0; start < document.Text.Length; )
        {
            var cut = document.Text.IndexOf("\n\n", start, StringComparison.Ordinal);
            var end = cut < 0 ? document.Text.Length : cut + 2;
            chunks.Add(new Chunk(start, end));
            start = end;
        }

        return chunks;
    }
}
