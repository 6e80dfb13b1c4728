using System.Text;
using CsCheck;
using Slipway.Rag.Chunking;
using Slipway.Rag.Reading;

namespace Slipway.Rag.Tests.Chunking;

[Trait("Tier", "fast")]
[Trait("Parity", "S93")]
public sealed class FixedWindowChunkerTests
{
    [Fact]
    public void Windows_are_400_characters_without_overlap_by_default()
    {
        var chunks = new FixedWindowChunker().Chunk(new StructuredDocument { Text = new string('x', 1_000) });
        Assert.Equal([new(0, 400), new(400, 800), new(800, 1_000)], chunks.Select(c => (c.Start, c.End)));
        Assert.Equal("window/1;400;0", new FixedWindowChunker().Fingerprint);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-5, 0)]
    [InlineData(400, 400)]
    [InlineData(400, 500)]
    [InlineData(400, -1)]
    public void Invalid_pairs_are_refused(int size, int overlap)
    {
        var error = Assert.Throws<SlipwayException>(() => new FixedWindowChunker(size, overlap));
        Assert.Equal(ErrorClass.Configuration, error.Class);
        Assert.Contains($"{size}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_hold_what_the_older_system_cut()
    {
        var units = Generators.AnyOf("a", "\r\n", "\r", "\n", "日", "🚀", "word");
        Gen.Select(units.Array[0, 60].Select(string.Concat), Gen.Int[1, 9], Gen.Int[0, 8])
            .Where((_, size, overlap) => overlap < size)
            .Sample(
                (text, size, overlap) =>
                {
                    var chunks = new FixedWindowChunker(size, overlap).Chunk(new StructuredDocument { Text = text });
                    var actual = chunks.Select(c => text[c.Start..c.End].Replace("\r", "", StringComparison.Ordinal));
                    var expected = OlderSystem(text, size, overlap);
                    // The older system goes on after the end is reached; those windows are parts of the last one.
                    Assert.Equal(expected.Take(chunks.Count), actual.Where(c => c.Length > 0));
                    Assert.True(
                        expected
                            .Skip(chunks.Count)
                            .All(rest =>
                                overlap > 0 && expected[chunks.Count - 1].EndsWith(rest, StringComparison.Ordinal)
                            )
                    );
                }
            );
    }

    [Fact]
    public void The_ranges_cover_the_text()
    {
        var units = Generators.AnyOf("a", "\r\n", "\r", "🚀", "\ud83d");
        Gen.Select(units.Array[0, 40].Select(string.Concat), Gen.Int[1, 5], Gen.Int[0, 4])
            .Where((_, size, overlap) => overlap < size)
            .Sample(
                (text, size, overlap) =>
                {
                    var end = 0;
                    foreach (
                        var chunk in new FixedWindowChunker(size, overlap).Chunk(new StructuredDocument { Text = text })
                    )
                    {
                        Assert.True(chunk.Start <= end && chunk.End > end && chunk.Start < chunk.End);
                        Assert.True(overlap > 0 || chunk.Start == end);
                        end = chunk.End;
                    }

                    Assert.Equal(text.Length, end);
                }
            );
    }

    /// <summary>Remove carriage returns, then windows of code points with a fixed step, as the older system's code does.</summary>
    private static List<string> OlderSystem(string text, int size, int overlap)
    {
        var characters = text.Replace("\r", "", StringComparison.Ordinal).EnumerateRunes().ToArray();
        var windows = new List<string>();
        for (var i = 0; i < characters.Length; i += size - overlap)
        {
            windows.Add(string.Concat(characters.Skip(i).Take(size)));
        }

        return windows;
    }
}
