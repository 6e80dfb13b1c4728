using CsCheck;
using Slipway.Agents.Turns.Internal;

namespace Slipway.Agent.Core.Tests.Turns;

[Trait("Tier", "fast")]
public sealed class QuoteFinderTests
{
    [Theory]
    [InlineData("a plain quote here", "plain quote", "plain quote")]
    [InlineData("two\n  lines of\ttext", "two lines of text", "two\n  lines of\ttext")]
    [InlineData("the “Bella” boiler", "the \"Bella\" boiler", "the “Bella” boiler")]
    [InlineData("it’s 3–5 bar", "it's 3-5 bar", "it’s 3–5 bar")]
    [InlineData("wait… no", "wait... no", "wait… no")]
    [InlineData("press **Start** and `go`", "press Start and go", "press **Start** and `go")]
    [InlineData("The boiler is hot.", "the boiler", "The boiler")]
    [InlineData("and the boiler", "The boiler", "the boiler")]
    [InlineData("costs 900 euro per unit", "costs 900 euro.", "costs 900 euro")]
    [InlineData("costs 900 euro per unit", "…900 euro…", "900 euro")]
    [InlineData("path C:\\new\\\"x\"", "C:\\\\new\\\\\\\"x\\\"", "C:\\new\\\"x\"")]
    [InlineData("say \"hi\" now", "say \\\"hi\\\" now", "say \"hi\" now")]
    [InlineData("soft\u00ADhyphen", "softhyphen", "soft\u00ADhyphen")]
    public void Found(string text, string quote, string expected)
    {
        var (start, end) = QuoteFinder.Find(text, quote)!.Value;

        Assert.Equal(expected, text[start..end]);
    }

    [Theory]
    [InlineData("The boiler is hot.", "The boiler is cold")]
    [InlineData("The boiler is hot.", "THE BOILER")]
    [InlineData("anything", "")]
    [InlineData("a - b", "-")]
    [InlineData("", "a")]
    public void Not_found(string text, string quote) => Assert.Null(QuoteFinder.Find(text, quote));

    /// <summary>The law: any stretch of a text that has a letter or digit in it is found, and reads the same without its spaces.</summary>
    [Fact]
    public void Every_stretch_of_a_text_is_found()
    {
        var text = Gen.OneOf(
                new char[] { 'a', 'B', '1', ' ', '\n', '\t', '“', '"', '’', '–', '-', '…', '.', '*', 'é', '\u00AD' }
                    .Select(Gen.Const)
                    .ToArray()
            )
            .Array[1, 60]
            .Select(c => new string(c));
        Gen.Select(text, Gen.Int[0, 59], Gen.Int[1, 60])
            .Where((t, start, _) => start < t.Length)
            .Sample(
                (t, start, length) =>
                {
                    var quote = t.Substring(start, Math.Min(length, t.Length - start));
                    if (!quote.Any(char.IsLetterOrDigit))
                    {
                        return true;
                    }

                    return QuoteFinder.Find(t, quote) is var (from, to) && Letters(t[from..to]) == Letters(quote);
                },
                iter: 5_000
            );

        static string Letters(string value) => string.Concat(value.Where(char.IsLetterOrDigit));
    }
}
