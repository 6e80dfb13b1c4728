using CsCheck;
using Slipway.Rag.Retrieval.Lexical;

namespace Slipway.Rag.Core.Tests.Retrieval;

[Trait("Tier", "fast")]
public sealed class TextAnalyzerTests
{
    [Theory]
    // words, case, diacritics
    [InlineData("Café CRÈME brûlée", "cafe creme brule")]
    [InlineData("Straße Ægir Łódź İstanbul ŒUVRE", "strass aegir lodz istanbul oeuvr")]
    [InlineData("e\u0301te\u0301 soft\u00ADware", "et softwar")]
    [InlineData("Ελλάδα Ёлка ＦＵＬＬ１", "ελλαδα елка full1")]
    [InlineData("मराठी कविता مُحَمَّد", "मराठी कविता محمد")]
    // English
    [InlineData("connections connected CONNECTING", "connect connect connect")]
    [InlineData("Anna's dog’s don't we'll O'Neil rock'n'roll", "anna dog don we o neil rock n roll")]
    // numbers, versions, units
    [InlineData("3.14 10.0.15 1,000,000 12,5 5mg p53", "3.14 10.0.15 1000000 12 5 5mg 5 mg p53 p 53")]
    // identifiers
    [InlineData("DiffExecutor", "diffexecutor diff executor")]
    [InlineData("HTTPServer snake_case __init__ a.b.c", "httpserver http server snakecase snake case init a.b.c a b c")]
    [InlineData("C# F# C++ C- x++y", "c# f# c++ c x y")]
    [InlineData("end.Next example.com", "end.next end next example.com exampl com")]
    // scripts without spaces
    [InlineData("東京都", "東京 京都")]
    [InlineData("水 と", "水 と")]
    [InlineData("カメラ한국어Latin", "カメ メラ ラ한 한국 국어 latin")]
    [InlineData("กาแฟ ລາວ", "กา าแ แฟ ລາ າວ")]
    [InlineData("𠮷野家", "𠮷野 野家")]
    // nothing
    [InlineData("", "")]
    [InlineData(" \t\r\n-–—'’.,;:!?🙂\u200B\uD800", "")]
    public void Text_becomes_these_terms(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', Terms(AnalyzerOptions.English, text)));

    [Fact]
    public void Plain_keeps_every_word_as_it_is() =>
        Assert.Equal(["the", "connections"], Terms(AnalyzerOptions.Plain, "The connections"));

    [Fact]
    public void A_query_loses_its_stop_words_unless_there_is_nothing_else()
    {
        var analyzer = new TextAnalyzer(AnalyzerOptions.English);

        Assert.Equal([TermHash.Of("boiler")], analyzer.AnalyzeQuery("What is the boiler of a"));
        Assert.Equal(5, analyzer.AnalyzeQuery("to be or not to").Count);
        Assert.Equal(3, new TextAnalyzer(AnalyzerOptions.Plain).AnalyzeQuery("the boiler of").Count);
    }

    /// <summary>The short way that most words take gives what the long way gives; a tab after a word makes it take the long one.</summary>
    [Fact]
    public void Both_ways_through_a_word_agree() =>
        Gen.String[Gen.Char["abcdeiEIS2_.'# ,;:-)\n"], 0, 80]
            .Sample(text =>
                Assert.Equal(
                    Terms(AnalyzerOptions.English, text),
                    Terms(AnalyzerOptions.English, string.Concat(text.Select(LongWay)))
                )
            );

    // A comma inside of a number joins it.
    private static string LongWay(char character) =>
        character is ' ' or ';' or ':' or '-' or ')' or '\n' ? "\t" : character.ToString();

    [Fact]
    public void A_long_run_is_known_by_its_first_characters()
    {
        var run = new string('x', 100_000);

        Assert.Equal([new string('x', 64)], Terms(AnalyzerOptions.Plain, run));
        Assert.Equal(Terms(AnalyzerOptions.Plain, run), Terms(AnalyzerOptions.Plain, run + "tail"));
    }

    [Fact]
    public void A_hash_is_one_term() =>
        Assert.Equal(
            ["5e4c01057a10732d34784af2a97bee9d173863f0"],
            Terms(AnalyzerOptions.English, "5e4c01057a10732d34784af2a97bee9d173863f0")
        );

    [Theory]
    [InlineData(true, true, "english/1")]
    [InlineData(true, false, "english-all-words/1")]
    [InlineData(false, true, "english-unstemmed/1")]
    [InlineData(false, false, "plain/1")]
    public void Settings_go_by_a_name_and_come_back(bool stemming, bool stopWords, string name)
    {
        var options = new AnalyzerOptions { Stemming = stemming, StopWords = stopWords };

        Assert.Equal(name, options.Name);
        Assert.Equal(options, AnalyzerOptions.Parse(name));
    }

    [Fact]
    public void An_unknown_name_says_which_are_known()
    {
        var exception = Assert.Throws<SlipwayException>(() => AnalyzerOptions.Parse("klingon/7"));

        Assert.Equal(ErrorClass.Configuration, exception.Class);
        Assert.Contains("klingon/7", exception.Message, StringComparison.Ordinal);
        Assert.Contains("english/1", exception.Fix, StringComparison.Ordinal);
    }

    private static List<string> Terms(AnalyzerOptions options, string text)
    {
        var terms = new TermTexts([]);
        new TextAnalyzer(options).Analyze(text, ref terms);
        return terms.List;
    }

    private readonly struct TermTexts(List<string> list) : ITermSink
    {
        public List<string> List { get; } = list;

        public void Add(ReadOnlySpan<char> term) => List.Add(term.ToString());
    }
}
