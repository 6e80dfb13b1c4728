using CsCheck;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Core.Tests.Retrieval;

/// <summary>The examples of Porter's paper, each carried through all steps, and a few words known to go wrong in stemmers.</summary>
[Trait("Tier", "fast")]
public sealed class PorterStemmerTests
{
    [Theory]
    [InlineData("caresses caress ponies poni ties ti caress caress cats cat")]
    [InlineData("feed feed agreed agre plastered plaster bled bled motoring motor sing sing")]
    [InlineData(
        "conflated conflat troubled troubl sized size hopping hop tanned tan falling fall hissing hiss fizzed fizz failing fail filing file"
    )]
    [InlineData("happy happi sky sky")]
    [InlineData(
        "relational relat conditional condit rational ration valenci valenc hesitanci hesit digitizer digit conformabli conform"
    )]
    [InlineData(
        "radicalli radic differentli differ vileli vile analogousli analog vietnamization vietnam predication predic operator oper"
    )]
    [InlineData(
        "feudalism feudal decisiveness decis hopefulness hope callousness callous formaliti formal sensitiviti sensit sensibiliti sensibl"
    )]
    [InlineData(
        "triplicate triplic formative form formalize formal electriciti electr electrical electr hopeful hope goodness good"
    )]
    [InlineData(
        "revival reviv allowance allow inference infer airliner airlin gyroscopic gyroscop adjustable adjust defensible defens"
    )]
    [InlineData(
        "irritant irrit replacement replac adjustment adjust dependent depend adoption adopt homologou homolog communism commun"
    )]
    [InlineData("activate activ angulariti angular homologous homolog effective effect bowdlerize bowdler")]
    [InlineData("probate probat rate rate cease ceas controll control roll roll")]
    [InlineData("generalizations gener oscillators oscil archaeology archaeolog yyy yyi by by ion ion as as")]
    public void Words_come_down_to_their_stems(string pairs)
    {
        foreach (var pair in pairs.Split(' ').Chunk(2))
        {
            Assert.Equal((pair[0], pair[1]), (pair[0], Stem(pair[0])));
        }
    }

    [Fact]
    public void A_stem_is_never_longer_and_never_empty() =>
        Gen.String[Gen.Char['a', 'z'], 1, 40]
            .Sample(word =>
            {
                var stem = Stem(word);
                return stem.Length >= 1 && stem.Length <= word.Length;
            });

    private static string Stem(string word)
    {
        var letters = word.ToCharArray();
        return new string(letters, 0, PorterStemmer.Stem(letters));
    }
}
