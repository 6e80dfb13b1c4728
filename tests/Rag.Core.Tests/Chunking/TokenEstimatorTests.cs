using CsCheck;
using Slipway.Rag.Chunking;

namespace Slipway.Rag.Tests.Chunking;

[Trait("Tier", "fast")]
public sealed class TokenEstimatorTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("one two three", 3)]
    [InlineData("Geschwindigkeitsbegrenzung", 3)]
    [InlineData("1234567", 3)]
    [InlineData("f(x);", 5)]
    [InlineData("-----", 1)]
    [InlineData("东京是首都", 5)]
    [InlineData("Москва", 2)]
    [InlineData("a\n    b", 4)]
    public void Runs_are_counted(string text, int tokens) => Assert.Equal(tokens, TokenEstimator.Instance.Count(text));

    [Fact]
    public void Added_text_never_lowers_the_count() =>
        Gen.Select(Gen.String, Gen.String, Gen.String)
            .Sample(
                (before, text, after) =>
                    TokenEstimator.Instance.Count(text) <= TokenEstimator.Instance.Count(before + text + after)
                    && TokenEstimator.Instance.Count(text) <= text.Length
            );

    [Fact]
    public void Counting_allocates_nothing()
    {
        var text = string.Concat(Enumerable.Repeat("Some text, and 日本. ", 100));
        TokenEstimator.Instance.Count(text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        TokenEstimator.Instance.Count(text);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
