using CsCheck;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agent.Core.Tests.Turns;

[Trait("Tier", "fast")]
public sealed class CitationFilterTests
{
    [Theory]
    [InlineData("A [[p1]] b", "A <p1> b")]
    [InlineData("A [[P1]].", "A <p1>.")]
    [InlineData("[[p1]][[p22]]", "<p1><p22>")]
    [InlineData("[[ p1 , p2; p3 ]]", "<p1><p2><p3>")]
    [InlineData("x[[p1: \"a quote\"]]y", "x<p1|a quote>y")]
    [InlineData("[[p1:\"a quote\" ]]", "<p1|a quote>")]
    [InlineData("[[p1: “curly”]]", "<p1|curly>")]
    [InlineData("[[p1: „unten“]]", "<p1|unten>")]
    [InlineData("[[p1: 'it's one']]", "<p1|it's one>")]
    [InlineData("[[p1: \"say \\\"hi\\\"\"]]", "<p1|say \\\"hi\\\">")]
    [InlineData("[[p1: \"say \"hi\" now\"]]", "<p1|say \"hi\" now>")]
    [InlineData("[[p1: \"a] b]] c\"]]", "<p1|a] b]] c>")]
    [InlineData("[[p1: \"ends in \\\\\"]]", "<p1|ends in \\\\>")]
    [InlineData("[[p1: no quotes]]", "<p1|no quotes>")]
    [InlineData("[[p1: a[0] b]]", "<p1|a[0] b>")]
    [InlineData("[[[p1]]]", "[<p1>]")]
    [InlineData("[[p1: [[p2]]", "[[p1: <p2>")]
    public void Markers(string text, string expected) => Assert.Equal(expected, Run(text, text.Length));

    [Theory]
    [InlineData("a [link](x) [[wiki]] [ [ [")]
    [InlineData("[[p]]")]
    [InlineData("[[p1")]
    [InlineData("[[p1]")]
    [InlineData("[[p1] ]")]
    [InlineData("[[p1:]]")]
    [InlineData("[[p1: \"never closed")]
    [InlineData("[[p12345678]]")]
    [InlineData("array[[p1x]]")]
    [InlineData("[[p1 p2]]")]
    [InlineData("[[p1, p2: \"q\"]]")]
    public void What_is_no_marker_stays_text(string text) => Assert.Equal(text, Run(text, text.Length));

    [Fact]
    public void Only_a_marker_is_held_back()
    {
        CitationFilter filter = new();

        Assert.Equal("Hello ", Show(filter.Push("Hello [")));
        Assert.Equal("[x] and ", Show(filter.Push("x] and [[p1: \"q")));
        Assert.Equal("<p1|quote>.", Show(filter.Push("uote\"]].")));
        Assert.Empty(filter.Flush());
    }

    [Fact]
    public void A_marker_that_is_never_closed_does_not_stop_the_stream()
    {
        CitationFilter filter = new();
        var text = "[[p1: \"" + new string('x', 3 * CitationFilter.MaxMarkerLength);

        var shown = Show(filter.Push(text));

        Assert.True(shown.Length > CitationFilter.MaxMarkerLength);
        Assert.Equal(text, shown + Show(filter.Flush()));
    }

    /// <summary>The law: however the stream is cut, text and citations are the same, and without markers nothing is lost.</summary>
    [Fact]
    public void The_result_does_not_depend_on_the_cuts()
    {
        var piece = Gen.OneOf(
            new string[]
            {
                "[",
                "[[",
                "]",
                "]]",
                "p1",
                "p23",
                ":",
                " ",
                "\"",
                "“",
                "”",
                "'",
                "\\",
                "\\\"",
                ",",
                ";",
                "word",
                "[[p1]]",
                "[[p2: \"a b\"]]",
                "\n",
                "é",
                "😀",
            }
                .Select(Gen.Const)
                .ToArray()
        );
        var stream = piece.List[0, 40].Select(string.Concat);
        Gen.Select(stream, Gen.Int[1, 7], Gen.Int[0, 1000])
            .Sample(
                (text, width, seed) =>
                {
                    var whole = Run(text, Math.Max(1, text.Length));
                    var random = new Random(seed);
                    CitationFilter filter = new();
                    var cut = "";
                    for (var at = 0; at < text.Length; )
                    {
                        var length = Math.Min(random.Next(1, width + 1), text.Length - at);
                        cut += Show(filter.Push(text.AsSpan(at, length)));
                        at += length;
                    }

                    return cut + Show(filter.Flush()) == whole
                        && (whole.Contains('<', StringComparison.Ordinal) || whole == text);
                },
                iter: 5_000
            );
    }

    private static string Run(string text, int width)
    {
        CitationFilter filter = new();
        var shown = string.Concat(text.Chunk(width).Select(part => Show(filter.Push(part))));
        return shown + Show(filter.Flush());
    }

    private static string Show(IEnumerable<CitationPiece> pieces) =>
        string.Concat(
            pieces.Select(piece =>
                piece.Text ?? (piece.Quote is null ? $"<{piece.Ref}>" : $"<{piece.Ref}|{piece.Quote}>")
            )
        );
}
