using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Tests.Chunking;

/// <summary>One edited sentence costs one or two embeddings, wherever it is in a long document.</summary>
public sealed class ChunkStabilityTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("sectioned", 1_000, 2)]
    [InlineData("unsectioned", 400, 2)]
    [InlineData("one paragraph", 400, 3)]
    public void An_edit_changes_one_chunk_and_seldom_its_neighbour(string shape, int edits, int mostAtP99)
    {
        var samples = new SampleDocuments(seed: 2026);
        var text = shape switch
        {
            "sectioned" => samples.Sectioned(length: 200_000),
            "unsectioned" => samples.Unsectioned(length: 220_000),
            _ => samples.Unbroken(length: 260_000),
        };
        var before = Inputs(text);
        var changed = Enumerable
            .Range(0, edits)
            .Select(_ => samples.Edit(text))
            .AsParallel()
            .Select(edited => Inputs(edited).Except(before).Count())
            .Order()
            .ToArray();

        output.WriteLine(
            $"{before.Count} chunks; changed: mean {changed.Average():F2}, p99 {changed[edits * 99 / 100]}, max {changed[^1]}"
        );
        Assert.True(before.Count >= 190, $"The document has {before.Count} chunks; the promise is about 200.");
        Assert.True(changed.Average() <= 1.3, $"mean {changed.Average()}");
        Assert.True(changed[edits * 99 / 100] <= mostAtP99, $"99th percentile {changed[edits * 99 / 100]}");
        Assert.True(changed[^1] <= 4, $"most {changed[^1]}");
        Assert.Contains(changed, c => c > 0);
    }

    private static HashSet<string> Inputs(string text)
    {
        var chunks = new StructureChunker().Chunk(MarkdownReader.Read(text));
        return [.. chunks.Select(c => ChunkIdentity.Input(c.Headings, c.RepeatedHeader, text.AsSpan(c.Start..c.End)))];
    }
}
