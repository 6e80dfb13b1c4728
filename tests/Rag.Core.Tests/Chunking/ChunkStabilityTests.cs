using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Tests.Chunking;

/// <summary>One edited sentence costs one or two embeddings, wherever it is in a long document.</summary>
public sealed class ChunkStabilityTests(ITestOutputHelper output)
{
    private const int Edits = 200;

    [Theory]
    [InlineData("sectioned")]
    [InlineData("unsectioned")]
    public void An_edit_changes_one_chunk_and_seldom_its_neighbour(string shape)
    {
        var samples = new SampleDocuments(seed: 2026);
        var text = shape switch
        {
            "sectioned" => samples.Sectioned(length: 200_000),
            "unsectioned" => samples.Unsectioned(length: 300_000),
            _ => samples.Unbroken(length: 300_000),
        };
        var before = Hashes(text);
        var changed = Enumerable
            .Range(0, Edits)
            .Select(_ => Hashes(samples.Edit(text)).Except(before).Count())
            .Order()
            .ToArray();

        output.WriteLine(
            $"{before.Count} chunks; changed: mean {changed.Average():F2}, p99 {changed[Edits * 99 / 100]}, max {changed[^1]}"
        );
        Assert.True(before.Count >= 180, $"The document has {before.Count} chunks; the promise is about 200.");
        Assert.True(changed.Average() <= 1.3, $"mean {changed.Average()}");
        Assert.True(changed[Edits * 99 / 100] <= 2, $"99th percentile {changed[Edits * 99 / 100]}");
        Assert.True(changed[^1] <= 4, $"most {changed[^1]}");
    }

    private static HashSet<string> Hashes(string text)
    {
        var chunks = new StructureChunker().Chunk(MarkdownReader.Read(text));
        return
        [
            .. chunks.Select(c =>
                ChunkIdentity.Hash(ChunkIdentity.Input(c.Headings, c.RepeatedHeader, text.AsSpan(c.Start..c.End)))
            ),
        ];
    }
}
