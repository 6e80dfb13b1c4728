using CsCheck;
using Slipway.Rag.Storage;

namespace Slipway.Rag.Core.Tests.Storage;

[Trait("Tier", "fast")]
public sealed class StorableTextTests
{
    // Not attributes: those are stored as UTF-8, which has no lone surrogates.
    [Fact]
    public void What_databases_refuse_is_replaced_one_for_one() =>
        Assert.All(
            [
                ("", ""),
                ("plain é 京都", "plain é 京都"),
                ("a pair 😀😀", "a pair 😀😀"),
                ("a\0b\0", "a\uFFFDb\uFFFD"),
                ("\uD83D", "\uFFFD"),
                ("x\uDE00y", "x\uFFFDy"),
                ("\uDE00\uD83D", "\uFFFD\uFFFD"),
                ("\uD83D\uD83D\uDE00", "\uFFFD😀"),
                ("😀\0\uD83D", "😀\uFFFD\uFFFD"),
            ],
            ((string Text, string Stored) pair) => Assert.Equal(pair.Stored, StorableText.Of(pair.Text))
        );

    /// <summary>Stores tell by it, in one look, whether a text may stand in a database at all.</summary>
    [Fact]
    public void A_text_is_itself_exactly_when_there_is_nothing_to_replace() =>
        Gen.OneOf(Gen.Const('\0'), Gen.Const('\uD83D'), Gen.Const('\uDE00'), Gen.Const('x'))
            .Array[0, 12]
            .Select(characters => new string(characters))
            .Sample(text =>
            {
                var stored = StorableText.Of(text);
                var refused = stored.Contains('\uFFFD', StringComparison.Ordinal);
                return ReferenceEquals(stored, text) == !refused
                    && stored.Length == text.Length
                    && ReferenceEquals(StorableText.Of(stored), stored);
            });
}
